/** The last step of making an executable for macOS: with a signature that a Mac takes, or not at all. */
import { checkSignature } from './check_signature.ts';
import { MachOError } from './mach_o_error.ts';
import { readMachO, type MachO } from './mach_o.ts';
import { signAdHoc } from './sign_ad_hoc.ts';

export interface Settled {
  readonly file: Uint8Array;
  readonly machO: MachO;
  /** Pages whose hashes were found right. */
  readonly pages: number;
  /** What was wrong with the signature that the file came with; empty if it has kept that. */
  readonly replaced: readonly string[];
}

/**
 * Checks the signature of an executable, and gives it another one if that is not sound.
 * @param identifier of a signature made here
 * @throws MachOError if it is no executable that can be signed, or if the new signature is not sound either
 */
export function settleSignature(file: Uint8Array, identifier: string): Settled {
  const machO = readMachO(file);
  const { pages, wrong } = checkSignature(file, machO);
  if (wrong.length === 0) return { file, machO, pages, replaced: [] };

  const signed = signAdHoc(file, machO, identifier);
  // Read anew, as a Mac would: what was written is not believed either.
  const again = readMachO(signed);
  const checked = checkSignature(signed, again);
  if (checked.wrong.length > 0) {
    throw new MachOError(
      'ERR_SIGNATURE_MALFORMED',
      `the new signature is wrong: ${checked.wrong.join('; ')}`,
    );
  }
  return { file: signed, machO: again, pages: checked.pages, replaced: wrong };
}
