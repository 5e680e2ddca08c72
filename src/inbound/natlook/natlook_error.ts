/** Why pf can't be asked, or did not tell. */
import { SnetError } from '../../base/errors.ts';

export type NatlookStatus =
  /** The kernel lets us not: not root, or a policy of this Mac. */
  | 'ERR_PF_PERMISSION'
  /** pf can't be opened for any other reason. */
  | 'ERR_PF_UNAVAILABLE'
  /** The kernel did not understand the question, or got it from the wrong place. */
  | 'ERR_NATLOOK_CALL'
  /** pf knows more than one state between these ends. */
  | 'ERR_NATLOOK_AMBIGUOUS'
  /** pfctl failed; the text has what it said. */
  | 'ERR_NATLOOK_COMMAND';

export class NatlookError extends SnetError<NatlookStatus> {}
