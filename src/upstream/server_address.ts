/**
 * Where an upstream's server is: an address as it is, a name as the system resolves it, kept fresh. The name is
 * resolved before anything is redirected, again when its TTL has passed, and again when connections to it fail;
 * an answer that fails to come leaves the last one in force.
 */
import { realClock, type Clock } from '../base/clock.ts';
import { SnetError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatEndpoint, parseAddress, sameAddress, type Endpoint, type Host } from '../net/address.ts';

/** Addresses of a name, and for how many seconds they are good. */
export interface Resolved {
  readonly addresses: readonly string[];
  readonly ttl: number;
}

export type Resolve = (name: string) => Promise<Resolved>;

export class ResolveError extends SnetError<'ERR_RESOLVE'> {}

export interface ServerAddress {
  /**
   * Resolves when it has an address for the first time. Rejects with a {@link ResolveError} if the name could not be
   * resolved when it was asked for first; it is asked for again all the same, until {@link stop}.
   */
  readonly ready: Promise<void>;
  /** Resolves when it has an address for the first time; never, if there never is one. */
  readonly known: Promise<void>;
  /** The best first; empty until it is {@link known}. */
  endpoints(): readonly Endpoint[];
  /** Tells how a connection attempt to one of them ended. */
  report(endpoint: Endpoint, worked: boolean): void;
  /** The machine may have come to another network, where the name may be another's: asks for it again. */
  renew(): void;
  stop(): void;
}

/** A name that fails or changes all the time is not asked for more often than this, in milliseconds. */
const PAUSE = 2_000;
/** In seconds: how soon a name is asked for again that never had an address. */
const UNKNOWN_PAUSE = 3;
/** However long the TTL, in seconds. */
const TTL_MAX = 3_600;
const TTL_MIN = 30;

/** Asks for a name at once. */
export function createServerAddress(
  host: Host,
  port: number,
  resolve: Resolve,
  log: Log,
  clock: Clock = realClock,
): ServerAddress {
  const literal = parseAddress(host);
  if (literal) {
    const ready = Promise.resolve();
    return {
      ready,
      known: ready,
      endpoints: () => [{ address: literal, port }],
      report() {},
      renew() {},
      stop() {},
    };
  }

  let endpoints: readonly Endpoint[] | undefined;
  let asking = false;
  let nextAllowed = 0;
  let cancel = () => {};
  let stopped = false;
  let failed = false;
  const known = Promise.withResolvers<void>();

  function take({ addresses, ttl }: Resolved): void {
    const next = addresses.flatMap((text) => {
      const address = parseAddress(text);
      return address ? [{ address, port }] : [];
    });
    if (next.length === 0) throw new ResolveError('ERR_RESOLVE', `${host} has no address`);
    // Those that are still good stay in the order that failures have given them.
    const kept = (endpoints ?? []).filter((old) =>
      next.some((found) => sameAddress(found.address, old.address)),
    );
    const added = next.filter((found) => !kept.some((old) => sameAddress(found.address, old.address)));
    const moved = endpoints !== undefined && (added.length > 0 || kept.length < endpoints.length);
    const late = endpoints === undefined && failed;
    endpoints = [...kept, ...added];
    known.resolve();
    const fields = { server: host, addresses: endpoints.map(formatEndpoint).join(',') };
    if (moved) log.info('the upstream has moved', fields);
    if (late) log.info('the upstream has an address now', fields);
    askAfter(Math.min(TTL_MAX, Math.max(TTL_MIN, ttl)));
  }

  function askAfter(seconds: number): void {
    cancel();
    if (!stopped) cancel = clock.after(seconds * 1_000, again);
  }

  function again(): void {
    if (stopped || asking || clock.now() < nextAllowed) return;
    nextAllowed = clock.now() + PAUSE;
    ask().catch((error: unknown) => {
      if (endpoints === undefined) return askAfter(UNKNOWN_PAUSE);
      log.warn('the upstream could not be resolved again; its last addresses stay', {
        server: host,
        reason: error instanceof Error ? error.message : String(error),
      });
      askAfter(TTL_MIN);
    });
  }

  async function ask(): Promise<void> {
    asking = true;
    try {
      take(await resolve(host));
    } finally {
      asking = false;
    }
  }

  const ready = ask().catch((cause: unknown) => {
    failed = true;
    askAfter(UNKNOWN_PAUSE);
    throw new ResolveError('ERR_RESOLVE', `the upstream's name ${host} could not be resolved`, {
      cause,
      hint: 'Does the machine resolve names without snet? An IP address in place of the name works without a resolver.',
    });
  });
  // Whoever stops it before may not wait for it.
  ready.catch(() => {});

  return {
    ready,
    known: known.promise,
    endpoints: () => endpoints ?? [],
    report(endpoint, worked) {
      if (worked) return;
      // Another of its addresses may live: the failed one goes to the end.
      const all = endpoints ?? [];
      const rest = all.filter((other) => !sameAddress(other.address, endpoint.address));
      if (rest.length < all.length) endpoints = [...rest, endpoint];
      again();
    },
    renew: again,
    stop() {
      stopped = true;
      cancel();
    },
  };
}
