/** Reads what `pfctl -s state` prints. Pure. */
import type { SocketAddress } from '../../../ffi/sockaddr.ts';
import {
  formatAddress,
  formatEndpoint,
  isLinkLocal,
  parseAddress,
  parsePort,
  type Address,
  type Endpoint,
} from '../../net/address.ts';

/** What pf did to the connections that came in and were redirected. */
export interface StateTable {
  /**
   * Where the connection between two ends wanted to go.
   * @returns undefined if there is no such state, 'ambiguous' if several say different things
   */
  find(client: SocketAddress, local: SocketAddress): Endpoint | 'ambiguous' | undefined;
}

interface Redirected {
  readonly destination: Endpoint;
  readonly established: boolean;
}

/**
 * One line: interface, protocol, where it was turned to, where it wanted to go, who it is from, and how far either side is
 * (pfctl's print_state). Only a TCP connection that came in (`<-`) and was redirected has three ends in that order.
 *
 *     ALL tcp 127.0.0.1:12345 <- 1.1.1.1:80 <- 192.168.5.98:49299       ESTABLISHED:ESTABLISHED
 *     ALL tcp ::1[12345] <- 2606:4700::1111[443] <- 2001:db8::98[49299]       ESTABLISHED:ESTABLISHED
 */
const LINE = /^\S+ (?:tcp|6) (\S+) <- (\S+) <- (\S+) +(\S.*)$/;

/** Lines of another form are passed over: the table has all of the machine's connections. */
export function parseStates(text: string): StateTable {
  const states = new Map<string, Redirected[]>();
  for (const line of text.split('\n')) {
    const [, local, destination, client, progress] = LINE.exec(line) ?? [];
    if (progress === undefined) continue;
    const ends = [local!, destination!, client!].map(parseEnd);
    if (!ends.every((end) => end !== undefined)) continue;
    const key = keyOf(ends[2]!, ends[0]!);
    const redirected = { destination: ends[1]!, established: progress.trim() === 'ESTABLISHED:ESTABLISHED' };
    const known = states.get(key);
    if (known) known.push(redirected);
    else states.set(key, [redirected]);
  }
  return {
    find(client, local) {
      const found = states.get(keyOf(endpointOf(client), endpointOf(local))) ?? [];
      // One that has ended stays for a while beside its successor.
      return only(found) ?? only(found.filter(({ established }) => established)) ?? nothing(found);
    },
  };
}

/** The destination that all of them have. */
function only(states: readonly Redirected[]): Endpoint | undefined {
  const [first, ...rest] = states;
  if (first === undefined) return undefined;
  const text = formatEndpoint(first.destination);
  return rest.every(({ destination }) => formatEndpoint(destination) === text)
    ? first.destination
    : undefined;
}

function nothing(states: readonly Redirected[]): 'ambiguous' | undefined {
  return states.length > 0 ? 'ambiguous' : undefined;
}

/** `1.1.1.1:80`, `2606:4700::1111[443]`, `fe80::1%en0[443]` */
function parseEnd(text: string): Endpoint | undefined {
  const [, host, zone, six, four] = /^([\da-fA-F.:]+?)(?:%([\w.-]+))?(?:\[(\d+)\]|:(\d+))$/.exec(text) ?? [];
  if (host === undefined) return undefined;
  const address = parseAddress(host);
  const port = parsePort(six ?? four!);
  if (address === undefined || port === undefined) return undefined;
  if (address.family !== (six === undefined ? 4 : 6)) return undefined;
  if (zone !== undefined && !isLinkLocal(address)) return undefined;
  return { address: zone === undefined ? plain(address) : { ...plain(address), zone }, port };
}

/**
 * The kernel keeps the interface of a link-local address in the address itself, in the two bytes after fe80 (xnu
 * bsd/netinet6/scope6.c), and pf prints it so; on the wire and for programs they are zero (RFC 4291 §2.5.6).
 */
function plain(address: Address): Address {
  if (!isLinkLocal(address)) return address;
  return { family: 6, bytes: address.bytes.with(2, 0).with(3, 0) };
}

function endpointOf({ family, bytes, port }: SocketAddress): Endpoint {
  return { address: plain({ family, bytes }), port };
}

/** Without zones: one side may know the interface by name, the other by number. */
function keyOf(client: Endpoint, local: Endpoint): string {
  return [client, local]
    .map(({ address: { family, bytes }, port }) => `${formatAddress({ family, bytes })} ${port}`)
    .join(' ');
}
