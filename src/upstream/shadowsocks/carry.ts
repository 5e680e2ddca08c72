/** Buffers for the incomplete element at the end of a piece: lent while one is pending, then used by the next session. */
import { Pinned } from '../../../ffi/memory.ts';
import { TAG_SIZE } from './methods.ts';

/**
 * A first head with its salt, or a length; the longest record of either edition. Apart, so that a peer pays with about
 * as much traffic for our memory.
 */
const POOLS = [
  { size: 128, kept: 64, free: [] as Pinned[] },
  { size: 0x3fff + TAG_SIZE, kept: 64, free: [] as Pinned[] },
  { size: 0xffff + TAG_SIZE, kept: 16, free: [] as Pinned[] },
] as const;

/** A buffer of at least `size` bytes, at most a payload record's. Its bytes are whatever the last user left. */
export function takeCarry(size: number): Pinned {
  const pool = POOLS.find((each) => each.size >= size)!;
  return pool.free.pop() ?? new Pinned(pool.size);
}

/** The other way; beyond `kept`, one MiB a pool at most, the collector gets it. The caller forgets the buffer. */
export function giveBack(carry: Pinned): void {
  const pool = POOLS.find((each) => each.size === carry.bytes.length)!;
  if (pool.free.length < pool.kept) pool.free.push(carry);
}
