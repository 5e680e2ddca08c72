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
  /** The best first; never empty once {@link createServerAddress} has returned. */
  endpoints(): readonly Endpoint[];
  /** Tells how a connection attempt to one of them ended. */
  report(endpoint: Endpoint, worked: boolean): void;
  stop(): void;
}

/** A name that fails or changes all the time is not asked for more often than this, in milliseconds. */
const PAUSE = 2_000;
/** However long the TTL, in seconds. */
const TTL_MAX = 3_600;
const TTL_MIN = 30;

/** @throws ResolveError if the name has no address */
export async function createServerAddress(
  host: Host,
  port: number,
  resolve: Resolve,
  log: Log,
  clock: Clock = realClock,
): Promise<ServerAddress> {
  const literal = parseAddress(host);
  if (literal) return { endpoints: () => [{ address: literal, port }], report: () => {}, stop: () => {} };

  let endpoints: readonly Endpoint[] | undefined;
  let asking = false;
  let nextAllowed = 0;
  let cancel = () => {};
  let stopped = false;

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
    endpoints = [...kept, ...added];
    if (moved)
      log.info('the upstream has moved', {
        server: host,
        addresses: endpoints.map(formatEndpoint).join(','),
      });
    askAfter(Math.min(TTL_MAX, Math.max(TTL_MIN, ttl)));
  }

  function askAfter(seconds: number): void {
    cancel();
    if (!stopped) cancel = clock.after(seconds * 1_000, again);
  }

  function again(): void {
    if (stopped || asking || clock.now() < nextAllowed) return;
    asking = true;
    nextAllowed = clock.now() + PAUSE;
    resolve(host)
      .then(take)
      .catch((error: unknown) => {
        log.warn('the upstream could not be resolved again; its last addresses stay', {
          server: host,
          reason: error instanceof Error ? error.message : String(error),
        });
        askAfter(TTL_MIN);
      })
      .finally(() => {
        asking = false;
      });
  }

  try {
    take(await resolve(host));
  } catch (error) {
    throw new ResolveError('ERR_RESOLVE', `the upstream's name ${host} could not be resolved`, {
      cause: error,
      hint: 'Does the machine resolve names without snet? An IP address in place of the name works without a resolver.',
    });
  }

  return {
    endpoints: () => endpoints ?? [],
    report(endpoint, worked) {
      if (worked) return;
      // Another of its addresses may live: the failed one goes to the end.
      const known = endpoints ?? [];
      const rest = known.filter((other) => !sameAddress(other.address, endpoint.address));
      if (rest.length < known.length) endpoints = [...rest, endpoint];
      again();
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
