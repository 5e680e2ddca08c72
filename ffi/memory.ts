/**
 * The only caller of `ptr`. A number from `ptr` owns nothing: the engine may collect the array, or move a small
 * one, while C still holds the number. So an address is only ever seen beside the memory that keeps it true:
 * a {@link Span}. Two kinds exist: {@link Pinned} memory of our own, and a short {@link lend | loan} of foreign bytes.
 */
import { ptr } from 'bun:ffi';

/** A place in memory as a C function wants it. The number type only says "came from here, don't do sums blindly". */
export type Address = number & { readonly __address: unique symbol };

/** Bytes, and where they are. The address holds as long as the span itself is reachable. */
export interface Span {
  readonly bytes: Uint8Array;
  /** Address of `bytes[0]`. */
  readonly address: Address;
}

/**
 * Memory that never moves: only an array made over an explicit ArrayBuffer stays where it is when `.buffer` is
 * touched and when hot code is compiled anew. Whoever holds the `Pinned` holds the memory; keep it in a field of
 * the thing that uses the address.
 */
export class Pinned implements Span {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: Address;

  /** @param size in bytes, at least 1, zero-filled */
  constructor(size: number) {
    if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`pinned size ${size} is not positive`);
    this.bytes = new Uint8Array(new ArrayBuffer(size));
    this.address = addressOf(this.bytes);
  }
}

const forever: Pinned[] = [];
// Reachable from the global object: a module variable that only `ptr` has seen may be collected, or dropped by a minifier.
(globalThis as Record<symbol, unknown>)[Symbol.for('snet.ffi.pinned')] = forever;

/** Pinned memory for the life of the process: scratch cells, and whatever C keeps after a call has returned. */
export function pinForever(size: number): Pinned {
  const pinned = new Pinned(size);
  forever.push(pinned);
  return pinned;
}

/** Arrays of at most this many bytes live inside the engine's heap and move; larger ones are allocated outside it. */
const MOVES_UP_TO = 1000;
/** Loans of small arrays, one per nesting depth: a loan within a loan must not overwrite the first. */
const smallLoans: Pinned[] = [];
let depth = 0;

/**
 * Gives `use` a span over bytes that we didn't allocate (data of a socket). The span is true only until `use`
 * returns: it must be synchronous and must not keep the span. Small arrays are copied to pinned memory, so what
 * `use` writes into the span may not reach `bytes`: a loan is for reading.
 * @param context given on to `use`, so that a hot path needs no closure
 */
export function lend<T>(bytes: Uint8Array, use: (span: Span) => T): T;
export function lend<T, Context>(
  bytes: Uint8Array,
  use: (span: Span, context: Context) => T,
  context: Context,
): T;
export function lend<T, Context>(
  bytes: Uint8Array,
  use: (span: Span, context?: Context) => T,
  context?: Context,
): T {
  if (bytes.byteLength <= MOVES_UP_TO) {
    const copy = (smallLoans[depth] ??= pinForever(MOVES_UP_TO));
    copy.bytes.set(bytes);
    depth++;
    try {
      // Exactly the loan: what lies beyond it is left over from others.
      return use({ bytes: copy.bytes.subarray(0, bytes.byteLength), address: copy.address }, context);
    } finally {
      depth--;
    }
  }
  const result = use({ bytes, address: addressOf(bytes) }, context);
  // A use after the call: without it the optimiser may let go of `bytes` while C reads it (seen with FTL).
  if (bytes.byteLength === 0) throw new Error('the lent bytes were detached during the loan');
  return result;
}

/**
 * Address of a byte inside a span.
 * @throws RangeError unless `offset`..`offset + length` lies inside
 */
export function at(span: Span, offset: number, length: number): Address {
  if (!(offset >= 0 && length >= 0 && offset + length <= span.bytes.byteLength)) {
    throw new RangeError(`${length} bytes at ${offset} do not lie within ${span.bytes.byteLength}`);
  }
  return (span.address + offset) as Address;
}

function addressOf(bytes: Uint8Array): Address {
  return ptr(bytes) as number as Address;
}
