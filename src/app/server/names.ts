/** Addresses of the names that clients want to go to, as this machine's own resolver gives them. */
import { lookup } from 'node:dns/promises';
import { parseAddress, type Address } from '../../net/address.ts';

/** @returns at least one, the best first; rejects if there is none */
export type Lookup = (name: string) => Promise<readonly Address[]>;

/** By getaddrinfo, so that /etc/hosts, nsswitch and RFC 6724 hold. It also reads "127.1" and "0x7f000001" as addresses. */
export async function lookUpBySystem(name: string): Promise<readonly Address[]> {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.flatMap(({ address }) => parseAddress(address) ?? []);
}

/** Milliseconds: a page is fetched from one name by many connections at once. */
const KEPT = 10_000;
/** Names in one generation. */
const MOST = 1_000;

/** Asks once for those that come together, and shortly after each other. What fails is asked for again. */
export function rememberFor(
  ask: Lookup,
  now: () => number = () => performance.now(),
  kept: number = KEPT,
): Lookup {
  // Two generations: an answer is `kept` old at most when it is let go, and both together have a bound.
  let recent = new Map<string, Promise<readonly Address[]>>();
  let older = new Map<string, Promise<readonly Address[]>>();
  let began = now();

  return (name) => {
    const age = now() - began;
    if (age >= kept / 2 || recent.size >= MOST) {
      older = age >= kept ? new Map() : recent;
      recent = new Map();
      began = now();
    }
    const known = recent.get(name) ?? older.get(name);
    if (known) return known;
    const asked = ask(name);
    recent.set(name, asked);
    const forget = () => {
      for (const generation of [recent, older]) if (generation.get(name) === asked) generation.delete(name);
    };
    asked.catch(forget);
    return asked;
  };
}

/**
 * The families in turn, beginning with the first one's: where one of them leads nowhere, the second try is of the other
 * (RFC 8305 §4).
 */
export function interleaved(addresses: readonly Address[]): Address[] {
  const first = addresses[0]?.family;
  const own = addresses.filter(({ family }) => family === first);
  const other = addresses.filter(({ family }) => family !== first);
  const most = Math.max(own.length, other.length);
  return Array.from({ length: most }, (_, i) => [own[i], other[i]]).flatMap((pair) =>
    pair.filter((address) => address !== undefined),
  );
}
