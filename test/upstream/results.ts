/** What became of attempts to use an upstream, begun after all that they meet unless said otherwise. */
import type { Result } from '../../src/upstream/upstream.ts';
import { loopback } from '../relay/harness.ts';

const began = Infinity;
const endpoint = loopback(1);

export const OPENED: Result = { kind: 'opened', began, endpoint, milliseconds: 100 };
export const FAILED: Result = {
  kind: 'failed',
  began,
  endpoint,
  status: 'ERR_DIAL_REFUSED',
  isLast: true,
};
export const ANSWERED: Result = { kind: 'answered', began };
/** Of a probe: what was asked for is sure to answer. */
export const SILENT: Result = { kind: 'silent', began, target: undefined };
