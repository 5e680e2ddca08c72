/** A target address as it goes over the wire: `ATYP | address | port`, port in network order (RFC 1928 §5). */
import {
  formatEndpoint,
  formatHostPort,
  parseAddress,
  type Address,
  type Endpoint,
  type Host,
} from './address.ts';
import { SessionError } from './session.ts';

const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;
const PORT_SIZE = 2;

/** Where a client wants to go: an address, or a name that the server is to resolve. */
export type Target = Endpoint | { readonly name: string; readonly port: number };

/** @param host an address, or else a name */
export function targetOf(host: Host, port: number): Target {
  const address = parseAddress(host);
  return address ? { address, port } : { name: host, port };
}

/**
 * Whether a name can be a target's: it goes to a resolver, into requests of text and into logs, so only what a host's
 * name may hold (RFC 1123 §2.1, and the underscore that is met in practice), at most 255 characters.
 */
export function isHostName(name: string): boolean {
  return name.length <= 255 && /^[A-Za-z0-9._-]+$/.test(name);
}

/** A target's wire form, 7 to 259 bytes (a name of 255). @throws RangeError for a name that is none */
export function encodeTarget(target: Target): Uint8Array {
  const [type, host] =
    'name' in target
      ? ([NAME, encodeName(target.name)] as const)
      : ([target.address.family === 4 ? IPV4 : IPV6, target.address.bytes] as const);
  const bytes = new Uint8Array(1 + host.length + PORT_SIZE);
  bytes[0] = type;
  bytes.set(host, 1);
  bytes[1 + host.length] = target.port >>> 8;
  bytes[2 + host.length] = target.port & 0xff;
  return bytes;
}

function encodeName(name: string): Uint8Array {
  if (!isHostName(name)) throw new RangeError('a target whose name is no host name');
  return Uint8Array.of(name.length, ...new TextEncoder().encode(name));
}

/**
 * Reads a target from the beginning of `bytes`.
 * @returns the target and how many bytes it took; undefined while bytes are missing
 * @throws SessionError ERR_PROTOCOL for what can't become a target, however many bytes follow
 */
export function parseTarget(
  bytes: Uint8Array,
): { readonly target: Target; readonly size: number } | undefined {
  if (bytes.length === 0) return undefined;
  const type = bytes[0];
  if (type === NAME && bytes.length < 2) return undefined;
  const hostAt = type === NAME ? 2 : 1;
  const portAt = hostAt + hostSize(type!, bytes);
  const size = portAt + PORT_SIZE;
  if (bytes.length < size) return undefined;
  const port = (bytes[portAt]! << 8) | bytes[portAt + 1]!;
  if (port === 0) throw new SessionError('ERR_PROTOCOL', 'a target with port 0');
  const host = bytes.slice(hostAt, portAt);
  if (type !== NAME)
    return { target: { address: { family: type === IPV4 ? 4 : 6, bytes: host }, port }, size };
  const name = readName(host);
  return { target: typeof name === 'string' ? { name, port } : { address: name, port }, size };
}

function hostSize(type: number, bytes: Uint8Array): number {
  switch (type) {
    case IPV4:
      return 4;
    case IPV6:
      return 16;
    case NAME:
      if (bytes[1] === 0) throw new SessionError('ERR_PROTOCOL', 'a target with an empty name');
      return bytes[1]!;
    default:
      throw new SessionError('ERR_PROTOCOL', `a target with address type ${type}; 1, 3 and 4 are known`);
  }
}

/** Some clients put an address's text here; that is an address. */
function readName(bytes: Uint8Array): string | Address {
  const name = String.fromCharCode(...bytes);
  const address = parseAddress(name);
  if (address) return address;
  if (!isHostName(name)) throw new SessionError('ERR_PROTOCOL', 'a target with a malformed name');
  return name;
}

/** `1.2.3.4:80`, `[2001:db8::1]:80` or `name:80`. */
export function formatTarget(target: Target): string {
  return 'name' in target ? formatHostPort(target.name, target.port) : formatEndpoint(target);
}
