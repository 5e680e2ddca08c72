/** Why there is no plugin. */
import { SnetError } from '../../base/errors.ts';

export type PluginStatus =
  /** No such program. */
  | 'ERR_PLUGIN_MISSING'
  /** The kernel would not run it. */
  | 'ERR_PLUGIN_START'
  /** It ended before it listened. */
  | 'ERR_PLUGIN_EXITED'
  /** It runs, but does not listen where it was told to. */
  | 'ERR_PLUGIN_TIMEOUT';

export class PluginError extends SnetError<PluginStatus> {}
