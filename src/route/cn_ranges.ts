/** The addresses in China: built into this program (see cn_format.ts and `bun build.ts --ranges`), or newer ones of `snet update`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Where `snet update` puts newer ones. */
export function updatedCnRanges(stateDirectory: string): string {
  return join(stateDirectory, 'cn_ranges.bin');
}

export interface LoadedRanges extends DatedRanges {
  readonly origin: 'built in' | 'updated';
  /** Why the updated ones, though there, are not used. */
  readonly problem: Error | undefined;
}

/**
 * The newer ones of those built in and those that `snet update` has fetched.
 * @throws RangesFileError if the executable is damaged; a damaged update is a `problem`
 */
export function loadCnRanges(stateDirectory: string): LoadedRanges {
  const builtin: LoadedRanges = { ...builtinCnRanges(), origin: 'built in', problem: undefined };
  try {
    const updated = decodeRanges(readFileSync(updatedCnRanges(stateDirectory)));
    return updated.date > builtin.date ? { ...updated, origin: 'updated', problem: undefined } : builtin;
  } catch (error) {
    const problem = error as NodeJS.ErrnoException;
    return problem.code === 'ENOENT' ? builtin : { ...builtin, problem };
  }
}
