/**
 * What `route -n monitor` of macOS prints of the kernel's messages (route(4)), as route.c of Apple's network_cmds has it:
 *
 *     got message of size 140 on Mon Nov 23 12:00:00 2026
 *     RTM_DELETE: Delete Route: len 140, pid: 86, seq 1, errno 0, flags:<UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
 *     locks:  inits:
 *     sockaddrs: <DST,GATEWAY,NETMASK,IFP,IFA>
 *      default 192.168.1.1 default index: 14 en0 192.168.1.5
 *
 * Most are noise: routes to single hosts come and go with the address resolution, and from macOS 26.4 on every lookup that
 * finds no route makes an RTM_MISS, hundreds a minute on a network without IPv6.
 */
import { isLinkLocal, isLoopback, parseAddress } from '../../net/address.ts';

/** What a line says of the network, in words for the log; undefined: nothing that matters, or nothing yet. */
export type RouteReader = (line: string) => string | undefined;

/** The message whose addresses are still to come. */
interface Message {
  readonly type: string;
  readonly flags: ReadonlySet<string>;
}

/** Reads the output line by line, from its beginning. */
export function createRouteReader(): RouteReader {
  let message: Message | undefined;
  let areAddresses = false;
  /** By number, as far as they have been heard of. */
  const interfaces = new Map<string, boolean>();

  return (line) => {
    const [, type, rest = ''] = /^(RTM_[A-Z0-9]+): (.*)$/.exec(line) ?? [];
    if (type !== undefined) {
      const flags = new Set(/flags:<([^>]*)>/.exec(rest)?.[1]?.split(',') ?? []);
      areAddresses = false;
      message = isRoute(type, rest, flags) || isAddress(type) ? { type, flags } : undefined;
      return type === 'RTM_IFINFO' ? ofInterface(rest, flags, interfaces) : undefined;
    }
    if (line.startsWith('sockaddrs: ')) {
      areAddresses = true;
      return undefined;
    }
    if (!message || !areAddresses) return undefined;
    const found = ofAddresses(message, line.trim().split(/\s+/));
    message = undefined;
    return found;
  };
}

const CHANGES: ReadonlySet<string> = new Set(['RTM_ADD', 'RTM_DELETE', 'RTM_CHANGE']);

/**
 * A route of its own to one interface (IFSCOPE) is there for programs that have chosen that; virtual machines bring such
 * default routes as well. Cloned ones are those to single hosts.
 */
function isRoute(type: string, rest: string, flags: ReadonlySet<string>): boolean {
  const isOwn = ['IFSCOPE', 'HOST', 'WASCLONED', 'LLINFO'].some((flag) => flags.has(flag));
  return CHANGES.has(type) && !isOwn && rest.includes('errno 0,');
}

function isAddress(type: string): boolean {
  return type === 'RTM_NEWADDR' || type === 'RTM_DELADDR';
}

/** Its flags are told for many reasons: what counts is whether it can be used. */
function ofInterface(
  rest: string,
  flags: ReadonlySet<string>,
  interfaces: Map<string, boolean>,
): string | undefined {
  const index = /\bif# (\d{1,5}),/.exec(rest)?.[1];
  if (index === undefined || flags.has('LOOPBACK')) return undefined;
  const isUp = flags.has('UP') && flags.has('RUNNING');
  // Of one that was never heard of, it is news only that it is down.
  const wasUp = interfaces.get(index) ?? true;
  interfaces.set(index, isUp);
  return isUp === wasUp ? undefined : isUp ? 'an interface is up' : 'an interface is down';
}

function ofAddresses({ type }: Message, words: readonly string[]): string | undefined {
  if (isAddress(type)) {
    if (!words.some(isReachableFrom)) return undefined;
    return type === 'RTM_NEWADDR' ? 'an address came' : 'an address is gone';
  }
  // The destination comes first. 0.0.0.0/1 is printed so as well: it is how VPNs go before the default route.
  return words[0] === 'default' || words[0] === '::' ? 'the default route changed' : undefined;
}

/** An interface's address that others than its neighbours may know; no mask and no broadcast address. */
function isReachableFrom(word: string): boolean {
  const address = parseAddress(word.replace(/%.*$/, ''));
  if (!address || isLinkLocal(address) || isLoopback(address)) return false;
  return address.bytes[0] !== 0xff && address.bytes.some((byte) => byte !== 0);
}
