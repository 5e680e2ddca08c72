/** The addresses in China that were built into this program; see cn_format.ts and `bun build.ts --ranges`. */
import { readFileSync } from 'node:fs';
import { decodeRanges, type DatedRanges } from './cn_format.ts';
// A path: beside this file when run from source, inside the executable when compiled.
import embedded from './cn_ranges.bin' with { type: 'file' };

/**
 * Reads and decodes them: call it once at start (1 to 2 ms, cold).
 * @throws RangesFileError if the executable is damaged
 */
export function builtinCnRanges(): DatedRanges {
  return decodeRanges(readFileSync(embedded));
}
