/** The log lines of flows: what went wrong at once and in words, what went well only for those who debug. */
import { explain } from '../base/errors.ts';
import type { Fields, Log } from '../base/log.ts';
import { formatEndpoint, type Address } from '../net/address.ts';
import type { FlowStatus } from '../net/flow_status.ts';
import { causeAt } from '../net/hop.ts';
import { createFailureLog } from './failure_log.ts';
import type { Way } from './flow.ts';

export interface FlowLog {
  ended(way: Way, status: FlowStatus, up: number, down: number, cause?: unknown): void;
  /** One endpoint, or one upstream, failed and the next is tried. */
  retrying(way: Way, status: FlowStatus, cause?: unknown): void;
  /** A connection that never became a flow. */
  refused(status: FlowStatus, cause?: unknown): void;
}

/** Ends that are the user's or the application's own business. */
const ORDERLY: ReadonlySet<FlowStatus> = new Set([
  'OK',
  'CLIENT_RESET',
  'STOPPED',
  'ERR_IDLE',
  'ERR_HALF_CLOSED',
  'ERR_NETWORK_CHANGED',
]);

const WORDS: Partial<Record<FlowStatus, string>> = {
  ERR_NOT_REDIRECTED: 'refused a connection made to our own port',
  ERR_ORIGINAL_DESTINATION: 'refused a connection: the system does not tell where it wanted to go',
  ERR_LIMIT: 'refused a connection: as many as allowed are open',
  ERR_DIAL_NO_ADDRESS: 'the upstream has no address',
  ERR_DIAL_REFUSED: 'the upstream refused the connection',
  ERR_DIAL_TIMEOUT: 'the upstream did not answer in time',
  ERR_DIAL_UNREACHABLE: 'no way to the upstream',
  ERR_DIAL: 'no connection to the upstream',
  ERR_TLS: 'no TLS with the upstream',
  ERR_TLS_CERTIFICATE: "the upstream's certificate is not to be believed",
  ERR_PROXY_AUTH: 'the upstream wants other credentials',
  ERR_PROXY_DENIED: "the upstream's rules forbid this",
  ERR_PROXY_UNAVAILABLE: 'the upstream can not serve at the moment',
  ERR_PROXY_UNSUPPORTED: 'the upstream can not do this at all',
  ERR_PROXY_FAILED: 'the upstream failed',
  ERR_PROXY_CLOSED: 'the upstream closed instead of an answer',
  ERR_PROXY_TIMEOUT: 'the upstream did not answer our request in time',
  ERR_TARGET_UNREACHABLE: 'the upstream found no way to the target',
  ERR_TARGET_REFUSED: 'the target refused the upstream',
  ERR_TARGET_TIMEOUT: 'the target did not answer the upstream in time',
  ERR_UPSTREAMS_DOWN: 'every upstream is down',
  ERR_UPSTREAM_NO_ANSWER:
    'the upstream closed without an answer: wrong password or method, or it cannot reach the target',
  ERR_UPSTREAM_RESET: 'the upstream broke the connection',
  ERR_AEAD: "the upstream's answer does not authenticate: wrong password or method",
  ERR_PROTOCOL: 'the upstream broke the protocol',
  ERR_TRUNCATED: 'the upstream closed within a record',
  ERR_INTERNAL: 'a fault of snet itself',
};

function labelOf({ decision, reach }: Way): string {
  return reach?.upstream?.label ?? decision.where;
}

/** @param nameOf the name that an address was given for, if that is known */
export function createFlowLog(
  log: Log,
  nameOf: (address: Address) => string | undefined = () => undefined,
  now: () => number = () => performance.now(),
): FlowLog {
  const failed = createFailureLog(log, now);
  const warn = (status: FlowStatus, fields: Fields, cause?: unknown) =>
    failed(status, WORDS[status] ?? 'a connection ended', fields, cause);

  return {
    ended(way, status, up, down, cause) {
      const orderly = ORDERLY.has(status);
      if (orderly && !log.debugging) return;
      const fields = {
        destination: formatEndpoint(way.destination),
        name: nameOf(way.destination.address),
        way: way.decision.where,
        why: way.decision.why,
        upstream: labelOf(way),
        up,
        down,
        ms: Math.round(performance.now() - way.began),
      };
      if (orderly) log.debug('flow ended', { status, ...fields });
      else warn(status, fields, causeAt(way.reach?.upstream?.hop, status, cause));
    },
    retrying(way, status, cause) {
      if (!log.debugging) return;
      const endpoint = way.reach?.endpoint && formatEndpoint(way.reach.endpoint);
      log.debug('trying the next', {
        status,
        upstream: labelOf(way),
        endpoint,
        reason: cause === undefined ? undefined : explain(cause),
      });
    },
    refused(status, cause) {
      if (!ORDERLY.has(status)) warn(status, {}, cause);
    },
  };
}
