/** IP addresses and endpoints as bytes in network order. Parsing is strict: what two programs could read differently is refused. */

/** An IPv4 (4 bytes) or IPv6 (16 bytes) address, network order. The bytes are not written to after construction. */
export interface Address {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  /** The interface that a link-local address is on, by name (RFC 4007 §11). */
  readonly zone?: string;
}

/** An address and a port (1..65535; 0 where "any" makes sense). */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/** A host as a person writes it: a name, or an address. */
export type Host = string;

/**
 * Reads dotted decimal IPv4 (RFC 6943 §3.1.1 strict form: four numbers, no leading zero) or IPv6 text
 * (RFC 4291 §2.2; no zone). IPv4-mapped IPv6 stays IPv6; see {@link unmapped}.
 * @returns undefined if it is neither
 */
export function parseAddress(text: string): Address | undefined {
  const v4 = parseIPv4(text);
  if (v4) return { family: 4, bytes: v4 };
  const v6 = parseIPv6(text);
  return v6 && { family: 6, bytes: v6 };
}

function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!;
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

function parseIPv6(text: string): Uint8Array | undefined {
  if (text.length > 45 || !text.includes(':')) return undefined;
  let tail: Uint8Array | undefined;
  let head = text;
  const lastColon = text.lastIndexOf(':');
  if (text.includes('.')) {
    tail = parseIPv4(text.slice(lastColon + 1));
    if (!tail) return undefined;
    // Two zero groups stand for the dotted part while the groups are counted.
    head = `${text.slice(0, lastColon + 1)}0:0`;
  }
  const halves = head.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string) => (half === '' ? [] : half.split(':'));
  const front = groups(halves[0]!);
  const back = halves.length === 2 ? groups(halves[1]!) : [];
  const missing = 8 - front.length - back.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  let at = 0;
  for (const group of [...front, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...back]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes[at++] = value >> 8;
    bytes[at++] = value & 0xff;
  }
  if (tail) bytes.set(tail, 12);
  return bytes;
}

/**
 * Canonical text: dotted decimal, or IPv6 by RFC 5952 (lower case, longest run of zero groups as `::`), with its zone if it
 * has one, as `fe80::1%eth0`.
 */
export function formatAddress({ family, bytes, zone }: Address): string {
  if (zone !== undefined) return `${formatAddress({ family, bytes })}%${zone}`;
  if (family === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > bestLength) [bestStart, bestLength] = [i, end - i];
    if (end > i) i = end;
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (isMapped(bytes)) return `::ffff:${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  if (bestStart < 0) return text(groups);
  return `${text(groups.slice(0, bestStart))}::${text(groups.slice(bestStart + bestLength))}`;
}

/** `1.2.3.4:80` or `[2001:db8::1]:80`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return formatHostPort(formatAddress(address), port);
}

/** Joins a host, which may be an IPv6 address without brackets, and a port. */
export function formatHostPort(host: Host, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** ::ffff:a.b.c.d (RFC 4291 §2.5.5.2) as the IPv4 address that it stands for; any other address as it is. */
export function unmapped(address: Address): Address {
  if (address.family === 6 && isMapped(address.bytes)) return { family: 4, bytes: address.bytes.slice(12) };
  return address;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** 127.0.0.0/8 (RFC 1122 §3.2.1.3) or ::1. */
export function isLoopback({ family, bytes }: Address): boolean {
  return family === 4 ? bytes[0] === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

/** fe80::/10 (RFC 4291 §2.5.6): means nothing without its zone. */
export function isLinkLocal({ family, bytes }: Address): boolean {
  return family === 6 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

/** Equality of family, bytes and zone. */
export function sameAddress(a: Address, b: Address): boolean {
  if (a.family !== b.family || a.zone !== b.zone) return false;
  for (let i = 0; i < a.bytes.length; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
}

/** A port number as text, 1..65535, no sign, no leading zero. undefined if it is none. */
export function parsePort(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
}
