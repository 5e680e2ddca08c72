/** Buffers for the incomplete record at the end of a piece: lent while one is pending, then used by the next session. */
import { Pinned } from '../../../ffi/memory.ts';
import { RECORD_LIMIT, TAG_SIZE } from './methods.ts';

/** A salt or a length record. Apart, so that a peer pays 16 KiB of traffic for 16 KiB of our memory. */
const SMALL = 32;
const LARGE = RECORD_LIMIT + TAG_SIZE;
/** Beyond this many the collector gets them back: 64 large ones are one MiB. */
const KEPT = 64;

const small: Pinned[] = [];
const large: Pinned[] = [];

/** A buffer of at least `size` bytes, at most a payload record's. Its bytes are whatever the last user left. */
export function takeCarry(size: number): Pinned {
  return size <= SMALL ? (small.pop() ?? new Pinned(SMALL)) : (large.pop() ?? new Pinned(LARGE));
}

/** The other way. The caller forgets the buffer. */
export function giveBack(carry: Pinned): void {
  const pool = carry.bytes.length === SMALL ? small : large;
  if (pool.length < KEPT) pool.push(carry);
}
