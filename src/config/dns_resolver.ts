/**
 * Resolvers as the file has them: an address, or a URL with an address in it. A name in a certificate stands behind `#`:
 * in place of the address it would have to be resolved to resolve names.
 *
 *     223.5.5.5   223.5.5.5:5353   [2400:3200::1]:53        UDP, and TCP where an answer is too long
 *     tcp://8.8.8.8   tls://1.1.1.1#cloudflare-dns.com      TCP, DNS over TLS
 *     https://1.1.1.1/dns-query#cloudflare-dns.com          DNS over HTTPS
 */
import { Secret } from '../base/secret.ts';
import { formatAddress, formatHostPort, parseAddress, parsePort, type Address } from '../net/address.ts';
import type { ResolverConfig } from './dns_config.ts';
import { parseHost } from './host.ts';
import { Fault } from './leaf.ts';

export const RESOLVER_FORM = 'a resolver such as "223.5.5.5" or "tls://1.1.1.1#cloudflare-dns.com"';
export const TRUSTED_FORM = 'a resolver such as "tcp://8.8.8.8" or "tls://1.1.1.1#cloudflare-dns.com"';

const PORTS = { udp: 53, tcp: 53, tls: 853, https: 443 } as const;
type Transport = ResolverConfig['transport'];

const TRANSPORTS = Object.keys(PORTS) as Transport[];

/** Reads any form. What could be a password is shown in no fault. */
export function parseResolver(text: string): ResolverConfig | Fault {
  const [, scheme, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text)!;
  const transport = scheme === undefined ? 'udp' : transportOf(scheme);
  if (transport === undefined) {
    const hint = `known are ${TRANSPORTS.map((name) => `${name}://`).join(', ')}`;
    return new Fault(RESOLVER_FORM, { found: `a ${scheme!.toLowerCase()}:// link`, hint });
  }
  const [beforeName, name] = cut(rest, '#');
  const slash = beforeName.indexOf('/');
  const authority = slash < 0 ? beforeName : beforeName.slice(0, slash);
  const path = slash < 0 ? undefined : beforeName.slice(slash);
  const at = authority.lastIndexOf('@');
  const found = at < 0 ? JSON.stringify(text) : `a ${transport}:// link`;
  const fault = (hint?: string) => new Fault(RESOLVER_FORM, { found, hint });

  if (at >= 0 && transport !== 'https') return fault('only https:// can carry a user and a password');
  if (path !== undefined && transport !== 'https') return fault(`${transport}:// has no path`);
  if (name !== undefined && (transport === 'udp' || transport === 'tcp')) {
    return fault('a name behind # is one in a certificate: for tls:// and https:// only');
  }
  const place = parsePlace(authority.slice(at + 1), PORTS[transport]);
  if (typeof place === 'string') return fault(hintFor(transport, place, path));
  const host = name === undefined ? undefined : parseHost(name);
  if (host instanceof Fault) return fault('behind # stands the name in its certificate');
  const authorization = at < 0 ? undefined : decoded(authority.slice(0, at));
  if (at >= 0 && authorization === undefined)
    return fault('a "%" that belongs to the password is written %25');
  return {
    transport,
    ...place,
    host,
    path,
    ca: undefined,
    authorization: authorization === undefined ? undefined : new Secret(authorization),
  };
}

/** A resolver that is asked through the upstream, which carries TCP. */
export function parseTrustedResolver(text: string): ResolverConfig | Fault {
  const resolver = parseResolver(text);
  if (resolver instanceof Fault) {
    const { found, hint } = resolver;
    return new Fault(TRUSTED_FORM, { ...(found !== undefined && { found }), hint });
  }
  if (resolver.transport !== 'udp') return resolver;
  const over = formatResolver({ ...resolver, transport: 'tcp' });
  return new Fault(TRUSTED_FORM, {
    found: JSON.stringify(text),
    hint: `the upstream carries no UDP: write "${over}"`,
  });
}

/** The shortest text that {@link parseResolver} reads as the same, but for what authorizes us. */
export function formatResolver({ transport, address, port, host, path }: ResolverConfig): string {
  const number = formatAddress(address);
  const isUsual = port === PORTS[transport];
  const place = isUsual
    ? transport !== 'udp' && address.family === 6
      ? `[${number}]`
      : number
    : formatHostPort(number, port);
  const scheme = transport === 'udp' ? '' : `${transport}://`;
  return `${scheme}${place}${path ?? ''}${host === undefined ? '' : `#${host}`}`;
}

/** @returns what stands there instead of an address and a port */
function parsePlace(text: string, usualPort: number): { address: Address; port: number } | string {
  const bare = parseAddress(text);
  if (bare) return { address: bare, port: usualPort };
  const [, bracketed, plain = '', portText] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text) ?? [];
  const address = parseAddress(bracketed ?? plain);
  const port = portText === undefined ? usualPort : parsePort(portText);
  const isRight = address !== undefined && (bracketed === undefined || address.family === 6);
  if (isRight && port !== undefined) return { address, port };
  return isRight ? '' : (bracketed ?? plain);
}

function hintFor(transport: Transport, place: string, path: string | undefined): string | undefined {
  if (place === '' || parseHost(place) instanceof Fault) return undefined;
  if (parseAddress(place)) return 'in brackets stands an IPv6 address only';
  if (transport === 'udp' || transport === 'tcp')
    return `write the address of ${place}: no name can be resolved before`;
  return `write the address, and the name behind a #: ${transport}://ADDRESS${path ?? ''}#${place}`;
}

function transportOf(scheme: string): Transport | undefined {
  return TRANSPORTS.find((name) => name === scheme.toLowerCase());
}

function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
