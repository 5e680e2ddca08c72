/** Leaves of the file's `server`: where to listen, which ports clients may go to, what users are called. */
import { formatAddress, formatHostPort, parseAddress, parsePort } from '../net/address.ts';
import { Fault } from './leaf.ts';
import type { Listen, PortRange } from './server_config.ts';

export const LISTEN_FORM = 'ADDRESS:PORT such as "0.0.0.0:8388", or a port alone for all addresses';
export const PORTS_FORM = 'ports such as "80,443,1024-65535"';
export const USER_FORM = 'a name of 1 to 64 letters, digits, ".", "_", "@" and "-"';

/** `0.0.0.0:8388`, `[2001:db8::1]:8388`; `:8388` and `8388` are all addresses. */
export function parseListen(text: string): Listen | Fault {
  const [, bracketed, plain = '', portText] = /^(?:\[([^\]]*)\]:|([^:]*):)?(\d+)$/.exec(text) ?? [];
  if (portText === undefined) {
    const hint = text.split(':').length > 2 ? 'an IPv6 address stands in brackets: [::]:8388' : undefined;
    return new Fault(LISTEN_FORM, { hint });
  }
  const port = parsePort(portText);
  if (port === undefined) return new Fault('a port, 1 to 65535, at the end');
  const host = bracketed ?? plain;
  if (host === '' && bracketed === undefined) return { address: undefined, port };
  const address = parseAddress(host);
  if (!address || (address.family === 6) !== (bracketed !== undefined)) {
    const hint = 'an address of this machine, or 0.0.0.0 or [::] for all of a family; no name';
    return new Fault(LISTEN_FORM, { hint });
  }
  return { address, port };
}

/** What {@link parseListen} reads as the same. */
export function formatListen({ address, port }: Listen): string {
  return address ? formatHostPort(formatAddress(address), port) : String(port);
}

export function parsePorts(text: string): readonly PortRange[] | Fault {
  const ranges: PortRange[] = [];
  for (const part of text.split(',')) {
    const [, from, to = from] = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part) ?? [];
    const first = parsePort(from ?? '');
    const last = parsePort(to ?? '');
    if (first === undefined || last === undefined) return new Fault(PORTS_FORM);
    if (first > last) return new Fault(PORTS_FORM, { hint: `${first}-${last} runs backwards` });
    ranges.push({ first, last });
  }
  return ranges;
}

export function formatPorts(ranges: readonly PortRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** It stands in logs and counters. */
export function parseUser(text: string): string | Fault {
  return /^[\w.@-]{1,64}$/.test(text) ? text : new Fault(USER_FORM);
}
