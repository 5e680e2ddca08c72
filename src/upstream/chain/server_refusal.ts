/** What the outer far end of a chain says of its target: that is the inner one's server, which the chain can't do without. */
import type { ChainStatus, SessionStatus } from '../../net/session.ts';

const OF_SERVER: Readonly<Record<string, ChainStatus>> = {
  ERR_TARGET_REFUSED: 'ERR_DIAL_REFUSED',
  ERR_TARGET_UNREACHABLE: 'ERR_DIAL_UNREACHABLE',
  ERR_TARGET_TIMEOUT: 'ERR_DIAL_TIMEOUT',
  ERR_PROXY_DENIED: 'ERR_DIAL',
  ERR_PROXY_FAILED: 'ERR_DIAL',
} satisfies Partial<Record<SessionStatus, ChainStatus>>;

/** @param status of the outer tunnel, before it was open @returns the chain's */
export function ofServer<Status extends string>(status: Status): Status | ChainStatus {
  return OF_SERVER[status] ?? status;
}
