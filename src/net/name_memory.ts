/** Which name an address was last given for, in answers to the programs whose connections we see. */
import { hashBytes, randomSeed } from '../base/hash.ts';
import { createRecordRing, HEADER } from '../base/record_ring.ts';
import type { Address } from './address.ts';

export interface NameMemory {
  readonly count: number;
  /**
   * Remembers that an answer gave this address for this name; the latest name counts. The address is copied.
   * @param name ASCII, as in a question; kept as it is
   * @param ttl the answer's, in seconds. It is remembered longer: programs go on using what they were told.
   */
  record(address: Address, name: string, ttl: number): void;
  /** The name most recently given; undefined if there was none, or too long ago. */
  lookup(address: Address): string | undefined;
  /** The same, but undefined also if another name was given the address since: which one is meant can't be told. */
  only(address: Address): string | undefined;
}

export interface NameMemoryOptions {
  /** Of all memory. Some 60 are one address. */
  readonly bytes: number;
  /** For how many seconds at least an address is remembered. */
  readonly least: number;
  /** Milliseconds, never going back. */
  readonly clock: () => number;
}

/** Browsers keep a name's addresses for a minute whatever its TTL, connection pools some minutes. */
const NAME_MEMORY_DEFAULTS = { bytes: 8 << 20, least: 15 * 60, clock: () => performance.now() };

/**
 * Layout of a record behind the ring's header:
 *
 *      8  f64  when it is forgotten, in milliseconds of the clock
 *     16  u16  length of the name; u8 length of the address, and {@link SHARED}; the address, the name
 */
const FIXED = 11;
const ADDRESS = HEADER + FIXED;
/** Beside the length of the address: it was given for another name before, which may not be forgotten yet. */
const SHARED = 0x80;

const TYPICAL_RECORD = 48;

export function createNameMemory(options: Partial<NameMemoryOptions> = {}): NameMemory {
  const { bytes, least, clock } = { ...NAME_MEMORY_DEFAULTS, ...options };
  const ring = createRecordRing(bytes, TYPICAL_RECORD);
  const octets = Buffer.from(ring.memory);
  const halves = new Uint16Array(ring.memory);
  const numbers = new Float64Array(ring.memory);
  const seed = randomSeed();

  const matches = (at: number, address: Uint8Array): boolean => {
    if ((octets[at + 18]! & ~SHARED) !== address.length) return false;
    for (let i = 0; i < address.length; i++) if (octets[at + ADDRESS + i] !== address[i]) return false;
    return true;
  };

  const find = (address: Uint8Array, hash: number): number => {
    let slot = ring.seek(hash);
    while (slot >= 0 && !matches(ring.at(slot), address)) slot = ring.seek(hash, slot);
    return slot;
  };

  const isNamed = (at: number, addressLength: number, name: string): boolean => {
    if (halves[at / 2 + 8] !== name.length) return false;
    const from = at + ADDRESS + addressLength;
    for (let i = 0; i < name.length; i++) if (octets[from + i] !== name.charCodeAt(i)) return false;
    return true;
  };

  /** A record of this address, which stands in `slot` or nowhere, with room for a name of this length. */
  const placeFor = (address: Uint8Array, hash: number, slot: number, length: number): number => {
    const size = FIXED + address.length + length;
    if (slot >= 0) {
      const at = ring.at(slot);
      const spare = ring.roomOf(at) - size;
      if (spare >= 0 && spare < 8) return at;
      ring.remove(slot);
    }
    return ring.insert(hash, size);
  };

  /** Where the record of an address stands; negative: there is none, or it is to be forgotten. */
  const live = ({ bytes: address }: Address): number => {
    const slot = find(address, hashBytes(address, seed));
    if (slot < 0) return -1;
    const at = ring.at(slot);
    if (numbers[at / 8 + 1]! <= clock()) {
      ring.remove(slot);
      return -1;
    }
    ring.touch(at);
    return at;
  };

  const nameAt = (at: number): string | undefined => {
    if (at < 0) return undefined;
    const from = at + ADDRESS + (octets[at + 18]! & ~SHARED);
    return octets.toString('latin1', from, from + halves[at / 2 + 8]!);
  };

  return {
    get count() {
      return ring.count;
    },
    record({ bytes: address }, name, ttl) {
      const hash = hashBytes(address, seed);
      const slot = find(address, hash);
      const until = clock() + Math.max(least, ttl) * 1000;
      // Answers out of a cache say the same again and again.
      const isKnown = slot >= 0 && numbers[ring.at(slot) / 8 + 1]! > clock();
      if (isKnown && isNamed(ring.at(slot), address.length, name)) {
        numbers[ring.at(slot) / 8 + 1] = until;
        return;
      }
      const at = placeFor(address, hash, slot, name.length);
      if (at < 0) return;
      numbers[at / 8 + 1] = until;
      halves[at / 2 + 8] = name.length;
      octets[at + 18] = address.length | (isKnown ? SHARED : 0);
      octets.set(address, at + ADDRESS);
      octets.write(name, at + ADDRESS + address.length, 'latin1');
    },
    lookup: (address) => nameAt(live(address)),
    only(address) {
      const at = live(address);
      return at >= 0 && (octets[at + 18]! & SHARED) !== 0 ? undefined : nameAt(at);
    },
  };
}
