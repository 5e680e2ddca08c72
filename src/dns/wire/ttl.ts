/** The times to live in an answer, in seconds: found once, changed in place each time the answer is given. */
import { TYPE } from './constants.ts';
import { putU32, u32 } from './header.ts';
import { layoutOf } from './records.ts';

/** RFC 2181 §8: a time to live with the top bit set is 0. */
export function ttlAt(message: Uint8Array, at: number): number {
  const ttl = u32(message, at);
  return ttl > 0x7fffffff ? 0 : ttl;
}

/** Where the TTLs of all records stand but that of OPT, which is none. Undefined if the message is malformed. */
export function ttlOffsets(message: Uint8Array): Uint32Array | undefined {
  const layout = layoutOf(message);
  if (!layout) return undefined;
  const offsets = new Uint32Array(layout.records.length);
  let count = 0;
  for (const record of layout.records) if (record.type !== TYPE.OPT) offsets[count++] = record.ttlAt;
  return offsets.slice(0, count);
}

/** The lowest of all records' TTLs. Undefined without records, or if the message is malformed. */
export function minTtl(message: Uint8Array, offsets = ttlOffsets(message)): number | undefined {
  let lowest: number | undefined;
  for (const at of offsets ?? []) {
    const ttl = ttlAt(message, at);
    if (lowest === undefined || ttl < lowest) lowest = ttl;
  }
  return lowest;
}

/** Brings TTLs to between `least` and `most`. In place. */
export function setTtls(message: Uint8Array, offsets: Uint32Array, least: number, most: number): void {
  for (const at of offsets) putU32(message, at, Math.min(most, Math.max(least, ttlAt(message, at))));
}
