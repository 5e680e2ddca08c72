/** Which build this is. build.ts defines the constants; run from the sources they are not there. */
import { version } from '../../package.json';

declare const SNET_VERSION: string | undefined;
declare const SNET_COMMIT: string | undefined;
declare const SNET_BUILT: string | undefined;

export interface Stamp {
  readonly version: string;
  /** `dev` when run from the sources. */
  readonly commit: string;
  /** ISO 8601; `dev` when run from the sources. */
  readonly built: string;
}

export const STAMP: Stamp = {
  version: typeof SNET_VERSION === 'undefined' ? version : SNET_VERSION,
  commit: typeof SNET_COMMIT === 'undefined' ? 'dev' : SNET_COMMIT,
  built: typeof SNET_BUILT === 'undefined' ? 'dev' : SNET_BUILT,
};
