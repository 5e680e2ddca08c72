/** What a flow tells of its upstream: that it has answered, or that it was silent. */
import { formatAddress } from '../net/address.ts';
import type { FlowStatus } from '../net/flow_status.ts';
import type { Relay } from '../relay/relay.ts';
import type { Way } from './flow.ts';

/**
 * Ends by which a flow that was given no byte back tells that its upstream may be at fault. A client that goes soon (a
 * closed tab, a scan) has not waited for an answer.
 */
export const UNHEARD: ReadonlySet<FlowStatus> = new Set([
  'ERR_IDLE',
  'ERR_HALF_CLOSED',
  'ERR_UPSTREAM_NO_ANSWER',
  'ERR_UPSTREAM_RESET',
  'ERR_AEAD',
  'ERR_PROTOCOL',
  'ERR_TRUNCATED',
]);

export function reportAnswer(relay: Relay): void {
  const { reach } = relay.context as Way;
  if (reach) reach.upstream?.report({ kind: 'answered', began: reach.began });
}

export function reportSilence(relay: Relay): void {
  const { reach, destination } = relay.context as Way;
  const target = formatAddress(destination.address);
  if (reach) reach.upstream?.report({ kind: 'silent', began: reach.began, target });
}
