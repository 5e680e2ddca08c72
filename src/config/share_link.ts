/** Share links: one line of text for one upstream, with its password in it. */
import type { UpstreamConfig } from './config.ts';
import { Fault } from './leaf.ts';
import {
  formatHttpLink,
  formatSocks5Link,
  parseHttpLink,
  parseHttpsLink,
  parseSocks5Link,
} from './proxy_link.ts';
import { formatShadowsocksLink, parseShadowsocksLink } from './shadowsocks_link.ts';
import { formatTunnelLink, parseTunnelLink } from './tunnel_link.ts';

export const SHARE_LINK_FORM = 'a share link such as ss://METHOD:PASSWORD@HOST:PORT';

interface Scheme {
  /** @param rest what stands behind `scheme://` */
  readonly parse: (rest: string) => UpstreamConfig | Fault;
  readonly example: string;
}

const SOCKS5: Scheme = {
  parse: parseSocks5Link,
  example: 'socks5://USER:PASSWORD@proxy.example.com:1080',
};

/** By name in lower case. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['ss', { parse: parseShadowsocksLink, example: 'ss://aes-256-gcm:PASSWORD@proxy.example.com:8388#home' }],
  ['http', { parse: parseHttpLink, example: 'http://USER:PASSWORD@proxy.example.com:8080' }],
  ['https', { parse: parseHttpsLink, example: 'https://USER:PASSWORD@proxy.example.com:443' }],
  ['socks5', SOCKS5],
  ['snet+tls', { parse: parseTunnelLink, example: 'snet+tls://TOKEN@proxy.example.com:443' }],
  // Names go to the proxy by all three: it is what is known of a target that decides, not the link.
  ['socks5h', SOCKS5],
  ['socks', SOCKS5],
]);

const USUAL = ['ss', 'http', 'https', 'socks5', 'snet+tls'].map((name) => `${name}://`).join(', ');

/** Reads a link of any scheme. A fault says which part is wrong, and shows nothing that could be a piece of a secret. */
export function parseShareLink(text: string): UpstreamConfig | Fault {
  const [before, name] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text.trim()) ?? [];
  const scheme = SCHEMES.get(name?.toLowerCase() ?? '');
  // Some readers of environments leave in what a shell takes off.
  if (/^["'“‘]/.test(text.trim())) {
    const hint = 'leave out the quotation marks';
    return new Fault(SHARE_LINK_FORM, { found: 'a text that begins with a quotation mark', hint });
  }
  if (before === undefined || !scheme) {
    const found = before === undefined ? 'a text without a scheme://' : `a ${name!.toLowerCase()}:// link`;
    return new Fault(SHARE_LINK_FORM, { found, hint: `known are ${USUAL}` });
  }
  const upstream = scheme.parse(text.trim().slice(before.length));
  if (!(upstream instanceof Fault)) return upstream;
  const { expected, found, hint = `a right one: ${scheme.example}` } = upstream;
  return new Fault(expected, { found, hint });
}

/**
 * The link that {@link parseShareLink} reads as the same; `via`, and `names` other than usual, have no place in it.
 * @throws RangeError for a raw key, which has none either
 */
export function formatShareLink(upstream: UpstreamConfig): string {
  switch (upstream.type) {
    case 'shadowsocks':
      return formatShadowsocksLink(upstream);
    case 'http':
      return formatHttpLink(upstream);
    case 'socks5':
      return formatSocks5Link(upstream);
    default:
      return formatTunnelLink(upstream);
  }
}
