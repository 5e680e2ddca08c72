/**
 * Share links of Shadowsocks: SIP002 (`ss://userinfo@host:port/?query#tag`, the userinfo base64url or
 * percent-encoded) and the older form whose whole authority is base64 (`ss://base64(method:password@host:port)#tag`).
 * A fault says which part is wrong and shows nothing that could be a piece of the password.
 */
import { Secret } from '../base/secret.ts';
import { formatHostPort, parseAddress, parsePort, type Host } from '../net/address.ts';
import type { ShadowsocksConfig } from './config.ts';
import { parseHost } from './host.ts';
import { Fault } from './leaf.ts';
import { parseMethod } from './shadowsocks_methods.ts';

export const SHARE_LINK_FORM = 'a share link ss://METHOD:PASSWORD@HOST:PORT';

/** Reads either form. Unknown keys of the query are ignored, as SIP002 says. */
export function parseShareLink(text: string): ShadowsocksConfig | Fault {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text.trim());
  if (scheme?.[1]?.toLowerCase() !== 'ss') {
    const found = scheme ? `a ${scheme[1]!.toLowerCase()}:// link` : 'a text without ss://';
    return new Fault(SHARE_LINK_FORM, { found });
  }
  const [body, fragment] = cut(text.trim().slice(scheme[0].length), '#');
  const tag = fragment === '' ? undefined : (percentDecoded(fragment) ?? fragment);
  const { userinfo, rest } = splitAuthority(body);
  const [location, query] = cut(rest, '?');
  // As ?plugin=… says what to speak below Shadowsocks, a link that has one cannot work without.
  if (new URLSearchParams(query).get('plugin')) {
    return new Fault('a share link without plugin=', {
      found: 'a plugin',
      hint: 'plugins are not supported yet',
    });
  }
  if (userinfo === undefined) return parseOldForm(location, tag);
  const pair = decodeUserinfo(userinfo);
  return pair instanceof Fault ? pair : assemble(pair, location, tag);
}

/** SIP002, the base64url form, which every client reads. */
export function formatShareLink({ method, password, server, port, tag }: ShadowsocksConfig): string {
  const userinfo = Buffer.from(`${method}:${password.reveal()}`).toString('base64url');
  const fragment = tag === undefined ? '' : `#${encodeURIComponent(tag.toWellFormed())}`;
  return `ss://${userinfo}@${formatHostPort(server, port)}${fragment}`;
}

/** The last `@` before the query ends the userinfo: passwords with an unescaped `@` or `/` are met in the wild. */
function splitAuthority(body: string): { userinfo: string | undefined; rest: string } {
  const question = body.indexOf('?');
  const before = body.lastIndexOf('@', question < 0 ? body.length : question);
  const at = before < 0 ? body.lastIndexOf('@') : before;
  if (at < 0) return { userinfo: undefined, rest: body };
  return { userinfo: body.slice(0, at), rest: body.slice(at + 1) };
}

type Pair = readonly [method: string, password: string];

function decodeUserinfo(userinfo: string): Pair | Fault {
  const expected = 'METHOD:PASSWORD before the @, percent-encoded or as base64url';
  const plain = percentDecoded(userinfo);
  if (plain === undefined) {
    const hint = 'a "%" that belongs to the password is written %25';
    return new Fault(expected, { found: 'a malformed % escape before the @', hint });
  }
  const text = plain.includes(':') ? plain : base64Decoded(plain);
  if (text === undefined) return new Fault(expected, { found: 'neither before the @' });
  if (!text.includes(':')) return new Fault(expected, { found: 'base64 without a ":" in it before the @' });
  return cut(text, ':');
}

/** @param encoded what stands between `ss://` and `#` or `?` */
function parseOldForm(encoded: string, tag: string | undefined): ShadowsocksConfig | Fault {
  const text = base64Decoded(percentDecoded(encoded.replace(/\/$/, '')) ?? '') ?? base64Decoded(encoded);
  if (text === undefined) return new Fault(SHARE_LINK_FORM, { found: 'a link without @HOST:PORT' });
  const at = text.lastIndexOf('@');
  const colon = text.indexOf(':');
  if (at < 0 || colon < 0 || colon > at) {
    return new Fault('METHOD:PASSWORD@HOST:PORT inside the base64', { found: 'something else' });
  }
  return assemble([text.slice(0, colon), text.slice(colon + 1, at)], text.slice(at + 1), tag);
}

function assemble(
  [methodText, password]: Pair,
  location: string,
  tag: string | undefined,
): ShadowsocksConfig | Fault {
  const method = parseMethod(methodText);
  if (method instanceof Fault) return within('method', method);
  if (password === '') return new Fault('a password after METHOD:', { found: 'an empty password' });
  const place = parseLocation(location);
  if (place instanceof Fault) return place;
  return { type: 'shadowsocks', ...place, method, password: new Secret(password), tag };
}

function parseLocation(location: string): { server: Host; port: number } | Fault {
  const match = /^(\[[^\]]*\]|[^:/]*)(?::([^/]*))?(\/?)(.*)$/s.exec(location)!;
  const [, hostText = '', portText, , path] = match;
  if (portText === undefined) return new Fault('HOST:PORT after the @', { found: 'no port' });
  if (hostText === '') return new Fault('HOST:PORT after the @', { found: 'no host' });
  if (portText.includes(':')) {
    const hint = 'write an IPv6 address in brackets: [2001:db8::1]:8388';
    return new Fault('HOST:PORT after the @', { found: 'more than one ":"', hint });
  }
  const port = parsePort(portText);
  if (port === undefined)
    return new Fault('a port, 1 to 65535, after the host', { found: kindOfPort(portText) });
  if (path !== '') return new Fault('nothing after the port but "/", ?query and #tag', { found: 'a path' });
  const server = parseLinkHost(hostText);
  return server instanceof Fault ? server : { server, port };
}

/** The text itself is not shown: in a link that is written wrongly it may be a piece of the password. */
function kindOfPort(text: string): string {
  if (text === '') return 'no port';
  if (!/^\d+$/.test(text)) return 'a port that is no number';
  const number = Number(text);
  if (number === 0) return 'port 0';
  return number > 65535 ? 'a port above 65535' : 'a port with a 0 in front';
}

function parseLinkHost(text: string): Host | Fault {
  if (!text.startsWith('[')) {
    const host = parseHost(percentDecoded(text) ?? text);
    return host instanceof Fault ? within('host', host) : host;
  }
  const inside = text.slice(1, -1);
  if (parseAddress(inside)?.family === 6) return parseHost(inside);
  return new Fault('an IPv6 address in the brackets', { found: 'something else there' });
}

function within(part: string, { expected, found, hint }: Fault): Fault {
  return new Fault(`${expected} as its ${part}`, { found: found ?? 'something else there', hint });
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Either alphabet of RFC 4648, with or without padding; undefined unless that is what it is, and UTF-8 inside. */
function base64Decoded(text: string): string | undefined {
  const match = /^([A-Za-z0-9+/_-]+)={0,2}$/.exec(text);
  if (!match || match[1]!.length % 4 === 1) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(match[1]!, 'base64url'),
    );
  } catch {
    return undefined;
  }
}
