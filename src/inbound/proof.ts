/** Connections of our own that only prove whether the kernel's rules catch what programs do. They never carry a byte. */
import { SystemError } from '../../ffi/errno.ts';
import { beginConnect, closeDescriptor, openTcp } from '../../ffi/tcp.ts';
import { parseAddress, sameAddress, type Endpoint } from '../net/address.ts';

export type ProofResult =
  /** It came to our listener, and its original destination was told. */
  | 'caught'
  /** It did not come in time. */
  | 'missed'
  /** The kernel did not begin to connect: no such family, no address of it, no route, or a rule that blocks. */
  | 'no route';

export interface Proofs {
  /** Where they connect to, one a family, IPv4 first: nobody is there. */
  readonly destinations: readonly Endpoint[];

  /** Is a connection that came to our listener one of these? Then it is proven that it came. */
  isProof(destination: Endpoint): boolean;

  /**
   * Connects once to the destination of each family and waits for what {@link isProof} hears of it, {@link PATIENCE} at most.
   * The rules must be in the kernel, and the listeners up. May be called as often as wanted, also while a run is under way:
   * one connection that came is proof for all that wait for it.
   * @throws SystemError if no socket can be had (EMFILE …; EPERM if the sockets of {@link openProofs} are used up and the
   *   process may not take its old group for a moment)
   */
  run(families: readonly (4 | 6)[]): Promise<ReadonlyMap<4 | 6, ProofResult>>;

  /** Gives back what was not used. A run under way ends by itself; there can be no other. */
  close(): void;
}

/** Milliseconds. A SYN that got lost is sent again after one second. */
const PATIENCE = 1500;

/** RFC 863, discard: of no service that anybody would miss, and not 53, for which there are rules of its own. */
const PORT = 9;
/** Of the blocks that are for documentation and are never used on the Internet (RFC 5737 §3, RFC 3849 §4). */
const DESTINATIONS = new Map<4 | 6, Endpoint>(
  (['192.0.2.254', '2001:db8::c000:2fe'] as const).map((text) => {
    const address = parseAddress(text)!;
    return [address.family, { address, port: PORT }];
  }),
);

/** Of each family: one for the start, and one for the first doubt after it. */
const STOCK = 2;

/** What the kernel says to a connection that it does not begin. */
const NO_ROUTE = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * To be called before the process takes its group: the rules tell our own sockets by the group that they were made under
 * (pf by so_cred, nftables by f_cred), whatever becomes of the process later, so sockets made now are a stranger's to them.
 * When these are used up, others are made under the group that the process has now, which it takes again for that moment: a
 * process that is root may. In this moment nothing of ours runs; a socket that a thread of the runtime made just then would be
 * redirected, and still work.
 * @throws SystemError if no socket can be had
 */
export function openProofs(): Proofs {
  const group = effectiveGroup();
  const stock = new Map<4 | 6, number[]>();
  const waiting = new Map<4 | 6, Set<() => void>>();
  let closed = false;

  const close = () => {
    closed = true;
    for (const fd of [...stock.values()].flat()) closeDescriptor(fd);
    stock.clear();
  };

  async function prove(family: 4 | 6): Promise<ProofResult> {
    const fd = stock.get(family)?.pop() ?? underGroup(group, () => socketOf(family));
    if (fd === undefined) return 'no route';
    const { promise, resolve } = Promise.withResolvers<ProofResult>();
    const came = () => resolve('caught');
    const others = waiting.get(family) ?? new Set();
    waiting.set(family, others.add(came));
    const timer = setTimeout(() => resolve('missed'), PATIENCE);
    try {
      const { address, port } = DESTINATIONS.get(family)!;
      beginConnect(fd, { ...address, port });
      return await promise;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return NO_ROUTE.has(error.code) ? 'no route' : 'missed';
    } finally {
      clearTimeout(timer);
      others.delete(came);
      closeDescriptor(fd);
    }
  }

  try {
    for (const family of DESTINATIONS.keys()) {
      const sockets: number[] = [];
      stock.set(family, sockets);
      for (let i = 0; i < STOCK; i++) {
        const fd = socketOf(family);
        if (fd !== undefined) sockets.push(fd);
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    destinations: [...DESTINATIONS.values()],
    isProof({ address, port }) {
      const destination = DESTINATIONS.get(address.family)!;
      if (port !== destination.port || !sameAddress(address, destination.address)) return false;
      for (const came of waiting.get(address.family) ?? []) came();
      return true;
    },
    async run(families) {
      if (closed) throw new Error('the proofs are closed');
      return new Map(
        await Promise.all(families.map(async (family) => [family, await prove(family)] as const)),
      );
    },
    close,
  };
}

/** @returns undefined where this machine lacks the family */
function socketOf(family: 4 | 6): number | undefined {
  try {
    return openTcp(family);
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EAFNOSUPPORT') return undefined;
    throw error;
  }
}

/** @throws SystemError, EPERM if this process may not change its group */
function underGroup<T>(group: number, make: () => T): T {
  const own = effectiveGroup();
  if (own === group) return make();
  process.setegid!(group);
  try {
    return make();
  } finally {
    process.setegid!(own);
  }
}

function effectiveGroup(): number {
  return process.getegid!();
}
