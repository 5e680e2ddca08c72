/**
 * How a flow ended: one stable word, which is the log's field, the metric's label and what tests assert. At the far end
 * the target is what is called the upstream here.
 */
import { SnetError } from '../base/errors.ts';
import type { SessionStatus } from './session.ts';

export type FlowStatus =
  /** What sessions and handshakes end with. */
  | SessionStatus
  /** Both sides ended in order. */
  | 'OK'
  /** The client reset its connection, as programs do that have read enough. */
  | 'CLIENT_RESET'
  /** snet itself stops. */
  | 'STOPPED'
  /** The connection was not redirected here by the kernel but made to our own port, or goes from an address to itself. */
  | 'ERR_NOT_REDIRECTED'
  /** The system could not tell where the connection wanted to go; the log has its reason. */
  | 'ERR_ORIGINAL_DESTINATION'
  /** As many connections as allowed are open already. */
  | 'ERR_LIMIT'
  /** The far end's own rules: nobody is connected to there. */
  | 'ERR_FORBIDDEN'
  /** Every upstream is known to be dead, and none is due to be tried again. */
  | 'ERR_UPSTREAMS_DOWN'
  /** The upstream's name has no address. */
  | 'ERR_DIAL_NO_ADDRESS'
  /** Nobody listens where the upstream should be. */
  | 'ERR_DIAL_REFUSED'
  /** The upstream did not answer the SYN in time, or did not agree on TLS. */
  | 'ERR_DIAL_TIMEOUT'
  /** No way to the upstream: no route, or the network is down. */
  | 'ERR_DIAL_UNREACHABLE'
  /** Any other reason why no connection came about. */
  | 'ERR_DIAL'
  /** No TLS came about with the upstream: it speaks something else, or refuses what we offer. */
  | 'ERR_TLS'
  /** The upstream's certificate is not to be believed. */
  | 'ERR_TLS_CERTIFICATE'
  /** The upstream is connected, but did not answer our request in time. */
  | 'ERR_PROXY_TIMEOUT'
  /**
   * The upstream closed, or reset the connection, without a single byte in answer: it could not reach the target, or didn't
   * believe us.
   */
  | 'ERR_UPSTREAM_NO_ANSWER'
  /** The upstream reset the connection. */
  | 'ERR_UPSTREAM_RESET'
  /** This machine has left the network that the connection to the upstream went by. */
  | 'ERR_NETWORK_CHANGED'
  /** No byte moved in either direction for the idle time. */
  | 'ERR_IDLE'
  /** One direction had ended and no byte moved in the other for the half-closed time. */
  | 'ERR_HALF_CLOSED'
  /** A fault of ours; the log has the stack. */
  | 'ERR_INTERNAL';

/** What became of a connection attempt: an error of ours says so itself, a socket's or a system call's by its `code`. */
export function dialStatus(error: unknown): FlowStatus {
  if (error instanceof SnetError) return error.status as FlowStatus;
  switch ((error as { readonly code?: unknown } | undefined)?.code) {
    case 'ECONNREFUSED':
      return 'ERR_DIAL_REFUSED';
    case 'ETIMEDOUT':
      return 'ERR_DIAL_TIMEOUT';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return 'ERR_DIAL_UNREACHABLE';
    default:
      return 'ERR_DIAL';
  }
}

/** Not the upstream's fault: what it answers with that may work well for other targets, and what is our own. */
const NOT_ITS_FAULT: ReadonlySet<FlowStatus> = new Set([
  'ERR_TARGET_UNREACHABLE',
  'ERR_TARGET_REFUSED',
  'ERR_TARGET_TIMEOUT',
  'ERR_PROXY_DENIED',
  // Some proxies say no more than this of a name that has no address.
  'ERR_PROXY_FAILED',
  'ERR_INTERNAL',
]);

/** Whether a failure before the tunnel was open says something of the upstream, and not of one target only. */
export function isUpstreamsFault(status: FlowStatus): boolean {
  return !NOT_ITS_FAULT.has(status);
}
