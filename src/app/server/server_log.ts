/** The log lines of the far end's connections: what went wrong in words, what went well only for those who debug. */
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatEndpoint } from '../../net/address.ts';
import type { FlowStatus } from '../../net/flow_status.ts';
import { ClockError, type SessionError } from '../../net/session.ts';
import { formatTarget } from '../../net/target.ts';
import type { StrangerStatus, Visitor } from '../../server/visitor.ts';
import { createFailureLog } from '../failure_log.ts';
import type { Entrance } from './entrance.ts';
import type { Way } from './flow.ts';

export interface ServerLog {
  ended(way: Way, status: FlowStatus, up: number, down: number, cause?: unknown): void;
  /** One address failed and the next is tried. */
  retrying(way: Way, status: FlowStatus, cause?: unknown): void;
  /** What a stranger has said is not understood; it is here still. */
  strangerRefused(visitor: Visitor, why: SessionError): void;
  /** One has gone that never showed to know a key. */
  strangerLeft(visitor: Visitor, status: StrangerStatus, cause?: unknown): void;
  /** One that there was no room for. */
  refused(client: string): void;
}

/** Ends that are the clients' and the targets' own business; what failed at the target, the user's program says. */
const ORDERLY: ReadonlySet<FlowStatus> = new Set([
  'OK',
  'CLIENT_RESET',
  'STOPPED',
  'ERR_IDLE',
  'ERR_HALF_CLOSED',
  'ERR_UPSTREAM_RESET',
  'ERR_DIAL_NO_ADDRESS',
  'ERR_DIAL_REFUSED',
  'ERR_DIAL_TIMEOUT',
  'ERR_DIAL_UNREACHABLE',
]);

const WORDS: Partial<Record<FlowStatus, string>> = {
  ERR_FORBIDDEN: 'refused a target',
  ERR_DIAL: 'no connection to the target',
  ERR_AEAD: "a client's bytes were changed on the way",
  ERR_PROTOCOL: 'a client broke the protocol',
  ERR_TRUNCATED: 'a client ended within a record',
  ERR_TLS: "a client's TLS was broken off",
  ERR_INTERNAL: 'a fault of snet itself',
};

/** Ends that somebody with a wrong password, or a wrong clock, should find in the log. */
const STRANGE: Partial<Record<StrangerStatus, string>> = {
  ERR_AEAD: 'a client does not know the password, or has another method',
  ERR_PROXY_AUTH: 'a client has a token of nobody',
  ERR_PROTOCOL: 'a client was not understood, or somebody replays its bytes',
  ERR_EVICTED: 'too many clients that say nothing: the oldest are sent away',
  ERR_INTERNAL: 'a fault of snet itself',
};

/** Milliseconds: a client whose clock is wrong is told of once in so long, however often it tries. */
const CLOCK_PAUSE = 60_000;
/** Clients that are remembered for that. */
const MOST_CLIENTS = 1_000;

export function createServerLog(log: Log, now: () => number = () => performance.now()): ServerLog {
  const failed = createFailureLog(log, now);
  /** When a clock was told of, by client, the oldest first. */
  const told = new Map<string, number>();

  function isTold(client: string): boolean {
    for (const [one, at] of told) {
      if (now() - at < CLOCK_PAUSE && told.size < MOST_CLIENTS) break;
      told.delete(one);
    }
    if (told.has(client)) return true;
    told.set(client, now());
    return false;
  }

  return {
    ended(way, status, up, down, cause) {
      const orderly = ORDERLY.has(status);
      if (orderly && !log.debugging) return;
      const { visitor, target, user, began, reach } = way;
      const fields = {
        user,
        client: visitor.client,
        target: formatTarget(target),
        address: reach?.endpoint && formatEndpoint(reach.endpoint),
        up,
        down,
        ms: Math.round(performance.now() - began),
      };
      if (!orderly) return failed(status, WORDS[status] ?? 'a connection ended', fields, cause);
      const reason = cause === undefined ? undefined : explain(cause);
      log.debug('flow ended', { status, ...fields, reason });
    },
    retrying({ target, reach }, status, cause) {
      if (!log.debugging) return;
      log.debug('trying the next address', {
        status,
        target: formatTarget(target),
        address: reach?.endpoint && formatEndpoint(reach.endpoint),
        reason: cause === undefined ? undefined : explain(cause),
      });
    },
    strangerRefused({ client, context }, why) {
      if (!(why instanceof ClockError) || isTold(client)) return;
      const { apart, isAhead, hint } = why;
      log.warn(`a client's clock differs by ${apart} s: it gets no answer before that is put right`, {
        status: why.status,
        client,
        clock: isAhead ? 'ahead of ours' : 'behind ours',
        listener: (context as Entrance).label,
        hint,
      });
    },
    strangerLeft({ client, bytes, context }, status, cause) {
      // That was told of when it came.
      const words = cause instanceof ClockError ? undefined : STRANGE[status];
      if (words === undefined && !log.debugging) return;
      const fields = { client, bytes, listener: (context as Entrance).label };
      if (words !== undefined) return failed(status, words, fields, cause);
      const reason = cause === undefined ? undefined : explain(cause);
      log.debug('a stranger has left', { status, ...fields, reason });
    },
    refused: (client) => failed('ERR_LIMIT', 'refused a connection: as many as allowed are open', { client }),
  };
}
