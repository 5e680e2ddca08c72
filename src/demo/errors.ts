/** Why a demo could not show anything. A line of the table that is wrong is none of these: it is a result. */
import { SnetError } from '../base/errors.ts';

export type DemoStatus =
  /** A program that it needs is not installed, or the kernel lacks something. */
  | 'ERR_DEMO_UNSUPPORTED'
  /** The namespaces could not be built. */
  | 'ERR_DEMO_NAMESPACES'
  /** A child process did not come up, or ended on its own; the text has what it said. */
  | 'ERR_DEMO_CHILD'
  /** The demo's addresses are not where the built-in table of China's addresses says. */
  | 'ERR_DEMO_ADDRESSES'
  /** A child process was started with arguments that mean nothing. */
  | 'ERR_DEMO_ROLE'
  /** A signal ended it. */
  | 'ERR_DEMO_INTERRUPTED';

export class DemoError extends SnetError<DemoStatus> {}
