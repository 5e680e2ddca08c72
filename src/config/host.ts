/** Hosts and blocks as the file has them. */
import { formatAddress, parseAddress, type Address, type Host } from '../net/address.ts';
import { formatCidr, hasHostBits, parseCidr, type Cidr } from '../net/cidr.ts';
import { Fault } from './leaf.ts';

export const HOST_FORM = 'a host name or an IP address';
export const BYPASS_FORM = 'a block such as "203.0.113.0/24", an IP address or a host name';

/** RFC 1123 §2.1, and the underscore that real names have. */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;

/** An IP address, or a name of at most 253 characters whose last label is not a number. */
export function parseHost(text: string): Host | Fault {
  const address = parseAddress(text);
  if (address) return formatAddress(address);
  const hint = hostHint(text);
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  // "1.2.3.4.5" and "10.1" are no names: other programs read them as addresses (RFC 1123 §2.1, RFC 3696 §2).
  const isName =
    text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1)!);
  return isName ? text : new Fault(HOST_FORM, { hint });
}

function hostHint(text: string): string | undefined {
  if (/^\[.*\]$/.test(text)) return 'write an IPv6 address without brackets here';
  if (/:\d+$/.test(text) && text.split(':').length === 2) return 'the port has a key of its own';
  if (/\P{ASCII}/u.test(text)) return 'write an international name in its ASCII form, xn--…';
  return undefined;
}

/** An entry of `bypass`: a block, an address, or a name. */
export function parseBypass(text: string): Cidr | Host | Fault {
  const cidr = parseCidr(text);
  if (cidr && hasHostBits(cidr)) {
    const address = formatAddress(cidr.address);
    const block = formatCidr({ address: networkOf(cidr), prefix: cidr.prefix });
    return new Fault('a block without bits beyond its prefix', { hint: `write "${block}", or "${address}"` });
  }
  if (cidr) return cidr;
  const host = parseHost(text);
  if (!(host instanceof Fault)) return host;
  return new Fault(BYPASS_FORM, { hint: text.includes('/') ? cidrHint(text) : host.hint });
}

function cidrHint(text: string): string | undefined {
  const address = parseAddress(text.slice(0, text.indexOf('/')));
  return address && `a prefix of IPv${address.family} is 0 to ${address.family === 4 ? 32 : 128}`;
}

function networkOf({ address, prefix }: Cidr): Address {
  const bytes = address.bytes.map((byte, i) => {
    const kept = Math.min(8, Math.max(0, prefix - 8 * i));
    return byte & (0xff << (8 - kept));
  });
  return { family: address.family, bytes };
}
