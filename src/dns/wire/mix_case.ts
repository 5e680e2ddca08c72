/** Mixed case in questions (draft-vixie-dnsext-dns0x20): a forger who does not see the query must guess it too. */
import { HEADER_SIZE } from './header.ts';
import { questionEndOf, QUESTION_FIXED } from './records.ts';

/** As many random bytes as any name takes: one bit for each of its bytes. */
export const RANDOM_SIZE = 32;

/**
 * A copy of a query with its name's letters in upper or lower case as the random bits say. Whether an answer repeats them
 * says `answers` with `exactCase`; `copyFor` gives the answer the name as it was asked.
 *
 * @param random at least {@link RANDOM_SIZE} unpredictable bytes
 */
export function mixedCase(query: Uint8Array, random: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(query);
  const nameEnd = questionEndOf(query) - QUESTION_FIXED;
  for (let at = HEADER_SIZE; at < nameEnd; at++) {
    const byte = copy[at]!;
    if (!isLetter(byte)) continue;
    const bit = at - HEADER_SIZE;
    const upper = (random[bit >>> 3]! >>> (bit & 7)) & 1;
    copy[at] = upper ? byte & ~0x20 : byte | 0x20;
  }
  return copy;
}

/** Length bytes are below the letters. */
function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
