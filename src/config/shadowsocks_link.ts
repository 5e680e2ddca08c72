/**
 * Share links of Shadowsocks: SIP002 (`ss://userinfo@host:port/?plugin=…#tag`, the userinfo base64url or
 * percent-encoded) and the older form whose whole authority is base64 (`ss://base64(method:password@host:port)#tag`).
 */
import { base64Text } from './base64.ts';
import type { ShadowsocksConfig } from './config.ts';
import { Fault } from './leaf.ts';
import {
  cut,
  decodedCredential,
  escaped,
  joinLink,
  linkParts,
  parseLocation,
  percentDecoded,
  within,
  type LinkParts,
  type Query,
} from './link_parts.ts';
import { formatPlugin, parsePlugin } from './plugin.ts';
import { checkedPassword } from './shadowsocks_key.ts';
import { isMethod2022, parseMethod } from './shadowsocks_methods.ts';

/**
 * Reads either form. Unknown keys of the query are ignored, as SIP002 says. SIP002 forbids base64 for the 2022 methods,
 * but it is met, and can't be misread.
 */
export function parseShadowsocksLink(rest: string): ShadowsocksConfig | Fault {
  const parts = linkParts(rest);
  if (parts.userinfo === undefined) return parseOldForm(parts);
  const pair = decodeUserinfo(parts.userinfo);
  return pair instanceof Fault ? pair : assemble(pair, parts);
}

/** SIP002: base64url, which every client reads; for the 2022 methods percent-encoded. @throws RangeError for a raw key */
export function formatShadowsocksLink(config: ShadowsocksConfig): string {
  const { method, password, plugin, rawKey } = config;
  if (rawKey) throw new RangeError('a share link has no place for a raw key');
  const userinfo = isMethod2022(method)
    ? `${method}:${escaped(password.reveal())}`
    : Buffer.from(`${method}:${password.reveal()}`).toString('base64url');
  return joinLink('ss', userinfo, config, plugin ? [['plugin', formatPlugin(plugin)]] : []);
}

type Pair = readonly [method: string, password: string];

function decodeUserinfo(userinfo: string): Pair | Fault {
  const expected = 'METHOD:PASSWORD before the @, percent-encoded or as base64url';
  const plain = decodedCredential(userinfo, expected);
  if (plain instanceof Fault) return plain;
  const text = plain.includes(':') ? plain : base64Text(plain);
  if (text === undefined) return new Fault(expected, { found: 'neither before the @' });
  if (!text.includes(':')) return new Fault(expected, { found: 'base64 without a ":" in it before the @' });
  return cut(text, ':');
}

/** The location is what stands between `ss://` and `#` or `?`. */
function parseOldForm(parts: LinkParts): ShadowsocksConfig | Fault {
  const { location: encoded } = parts;
  const text = base64Text(percentDecoded(encoded.replace(/\/$/, '')) ?? '') ?? base64Text(encoded);
  if (text === undefined) {
    return new Fault('a share link ss://METHOD:PASSWORD@HOST:PORT', { found: 'a link without @HOST:PORT' });
  }
  const at = text.lastIndexOf('@');
  const colon = text.indexOf(':');
  if (at < 0 || colon < 0 || colon > at) {
    return new Fault('METHOD:PASSWORD@HOST:PORT inside the base64', { found: 'something else' });
  }
  const pair: Pair = [text.slice(0, colon), text.slice(colon + 1, at)];
  return assemble(pair, { ...parts, location: text.slice(at + 1) });
}

function assemble(
  [methodText, password]: Pair,
  { location, query, tag }: LinkParts,
): ShadowsocksConfig | Fault {
  const method = parseMethod(methodText);
  if (method instanceof Fault) return within('method', method);
  if (password === '') return new Fault('a password after METHOD:', { found: 'an empty password' });
  const secret = checkedPassword(method, password, false);
  if (secret instanceof Fault) return secret;
  const place = parseLocation(location, 'the @');
  if (place instanceof Fault) return place;
  const plugin = pluginOf(query);
  if (plugin instanceof Fault) return within('plugin', plugin);
  return {
    type: 'shadowsocks',
    ...place,
    method,
    password: secret,
    plugin,
    tag,
    via: undefined,
    names: false,
  };
}

function pluginOf(query: Query): ShadowsocksConfig['plugin'] | Fault {
  const text = query.find(([name]) => name === 'plugin')?.[1];
  return text ? parsePlugin(text) : undefined;
}
