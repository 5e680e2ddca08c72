/**
 * The system's own resolvers, as they are without us: they know the names of the local network. Our rules take port 53 of
 * all other programs but leave resolv.conf as it is, so it can be read at any time, and read again when it changes (another
 * Wi-Fi, a VPN).
 */
import { readFileSync, statSync } from 'node:fs';
import { formatAddress, isLoopback, type Address } from '../net/address.ts';
import { type Exchange, ExchangeError } from './exchange/exchange.ts';
import { parseResolvConf } from './resolv_conf.ts';

export interface SystemFiles {
  readonly resolvConf: string;
  /**
   * Where those say whom they ask themselves that put a forwarder of this machine into resolv.conf: systemd-resolved
   * (systemd-resolved.service(8)), NetworkManager with dnsmasq (NetworkManager.conf(5), `rc-manager`).
   */
  readonly behindForwarder: readonly string[];
}

/** Where the system has them written down. */
export interface Nameservers {
  /** For people. */
  readonly source: string;
  /** Whenever `read` would give others, this has changed. Cheap. */
  stamp(): string;
  /** Whom to ask, best first. */
  read(): Promise<readonly Address[]>;
}

const SYSTEM_FILES: SystemFiles = {
  resolvConf: '/etc/resolv.conf',
  behindForwarder: ['/run/systemd/resolve/resolv.conf', '/run/NetworkManager/no-stub-resolv.conf'],
};

/** Of Linux. */
export const FILE_NAMESERVERS: Nameservers = nameserversIn(SYSTEM_FILES);

/** The same in other files. */
export function nameserversIn(files: SystemFiles): Nameservers {
  return {
    source: files.resolvConf,
    stamp: () => [files.resolvConf, ...files.behindForwarder].map(stampOf).join(' '),
    read: () => Promise.resolve(readNameservers(files)),
  };
}

/** They are looked at again after so many milliseconds, when somebody asks. */
const LOOK_AGAIN_MS = 3_000;

/**
 * Whom to ask, best first. A forwarder on loopback asks others in its turn, and what it asks comes to us, who would ask it
 * again: so those it asks are asked directly, and it only if nobody can be found behind it.
 */
export function readNameservers(
  { resolvConf, behindForwarder }: SystemFiles,
  read: (path: string) => string = readText,
): Address[] {
  const named = parseResolvConf(read(resolvConf));
  const direct = named.filter((address) => !isLoopback(address));
  if (direct.length > 0) return direct;
  const behind = behindForwarder.flatMap((path) => parseResolvConf(read(path)));
  const reachable = behind.filter((address) => !isLoopback(address));
  return reachable.length > 0 ? reachable : named;
}

export interface SystemResolverOptions {
  readonly nameservers: Nameservers;
  /** An exchange with all of these, port 53, asked directly. */
  readonly open: (resolvers: readonly Address[]) => Exchange;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** Asks whomever the system names at that time. */
export function createSystemResolver({ nameservers, open, now }: SystemResolverOptions): Exchange {
  let seen: string | undefined;
  let current: { readonly names: string; readonly exchange: Exchange } | undefined;
  let lookedAt = -Infinity;
  let closed = false;

  /** While they are being read, all wait for the same. */
  let reading: Promise<void> | undefined;

  async function refresh(): Promise<Exchange | undefined> {
    if (!reading && now() - lookedAt >= LOOK_AGAIN_MS) {
      lookedAt = now();
      const stamp = nameservers.stamp();
      if (stamp !== seen) {
        seen = stamp;
        reading = reread().finally(() => (reading = undefined));
      }
    }
    await reading;
    return current?.exchange;
  }

  async function reread(): Promise<void> {
    const addresses = await nameservers.read();
    const names = addresses.map(formatAddress).join(', ');
    if (closed || names === (current?.names ?? '')) return;
    current?.exchange.close();
    current = addresses.length === 0 ? undefined : { names, exchange: open(addresses) };
  }

  return {
    get label() {
      return `system (${current?.names ?? 'none'})`;
    },
    async ask(query, question, options) {
      const exchange = closed ? undefined : await refresh();
      if (!exchange)
        throw new ExchangeError(
          'ERR_DNS_UNREACHABLE',
          `${nameservers.source} names no resolver that can be asked`,
        );
      return exchange.ask(query, question, options);
    },
    close() {
      closed = true;
      current?.exchange.close();
    },
  };
}

/** What changes when the file does: also when another one is moved to its place within one tick of its clock. */
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.ino}:${stat.mtimeNs}:${stat.size}` : 'none';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there, or not ours to read: it names nobody.
    return '';
  }
}
