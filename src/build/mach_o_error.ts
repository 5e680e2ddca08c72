/** What can be wrong with an executable for macOS. */
import { SnetError } from '../base/errors.ts';

export type MachOStatus =
  /** Not a 64-bit executable for macOS, cut short, or laid out in a way that its own numbers rule out. */
  | 'ERR_MACH_O_MALFORMED'
  /** It has no room for a signature: no LC_CODE_SIGNATURE, or one that doesn't end the file. */
  | 'ERR_MACH_O_UNSIGNED'
  /** The executable is sound, its signature is no signature. */
  | 'ERR_SIGNATURE_MALFORMED';

export class MachOError extends SnetError<MachOStatus> {}
