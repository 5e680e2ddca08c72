/**
 * Links of HTTP and SOCKS5 proxies: `http://user:password@host:port`, `https://…/?sni=…&pin=…` for TLS around it, and
 * `socks5://…`; user and password percent-encoded, or neither there.
 */
import type { Host } from '../net/address.ts';
import type { HttpConfig, Socks5Config } from './config.ts';
import { httpCredentials, socks5Credentials, type Credentials, type Written } from './credentials.ts';
import { Fault } from './leaf.ts';
import {
  cut,
  decodedCredential,
  escaped,
  joinLink,
  linkParts,
  parseLocation,
  type LinkParts,
} from './link_parts.ts';
import { isSubscriptionUrl, SUBSCRIPTION_HINT } from './subscription_url.ts';
import { formatTlsOptions, parseTlsOptions } from './tls_options.ts';

/** @param rest what stands behind `http://` */
export function parseHttpLink(rest: string): HttpConfig | Fault {
  const parts = linkParts(rest);
  const proxy = readProxy(parts, 'http://', httpCredentials);
  if (proxy instanceof Fault) return proxy;
  if (parts.query.length > 0) return withQuery('options are those of TLS: https://');
  return { type: 'http', ...proxy, tls: undefined };
}

/** @param rest what stands behind `https://` */
export function parseHttpsLink(rest: string): HttpConfig | Fault {
  const parts = linkParts(rest);
  const proxy = readProxy(parts, 'https://', httpCredentials);
  if (proxy instanceof Fault) {
    const { expected, found } = proxy;
    return isSubscriptionUrl(`https://${rest}`)
      ? new Fault(expected, { found, hint: SUBSCRIPTION_HINT })
      : proxy;
  }
  const tls = parseTlsOptions(parts.query);
  return tls instanceof Fault ? tls : { type: 'http', ...proxy, tls };
}

/** @param rest what stands behind `socks5://` */
export function parseSocks5Link(rest: string): Socks5Config | Fault {
  const parts = linkParts(rest);
  const proxy = readProxy(parts, 'socks5://', socks5Credentials);
  if (proxy instanceof Fault) return proxy;
  return parts.query.length > 0 ? withQuery() : { type: 'socks5', ...proxy };
}

export function formatHttpLink(config: HttpConfig): string {
  const { tls } = config;
  return joinLink(tls ? 'https' : 'http', userinfoOf(config), config, tls && formatTlsOptions(tls));
}

export function formatSocks5Link(config: Socks5Config): string {
  return joinLink('socks5', userinfoOf(config), config);
}

interface Proxy extends Credentials {
  readonly server: Host;
  readonly port: number;
  readonly tag: string | undefined;
  readonly via: undefined;
  readonly names: boolean;
}

function readProxy(
  { userinfo, location, tag }: LinkParts,
  scheme: string,
  check: (written: Written) => Credentials | Fault,
): Proxy | Fault {
  const written = userinfo === undefined ? {} : decodedPair(userinfo);
  const credentials = written instanceof Fault ? written : check(written);
  if (credentials instanceof Fault) return credentials;
  const place = parseLocation(location, userinfo === undefined ? scheme : 'the @');
  return place instanceof Fault ? place : { ...place, ...credentials, tag, via: undefined, names: true };
}

/** Cut before it is decoded, so that either may have an escaped colon. */
function decodedPair(userinfo: string): Written | Fault {
  const expected = 'USER:PASSWORD before the @, percent-encoded';
  const [user, password] = cut(userinfo, ':').map((text) => decodedCredential(text, expected));
  if (user instanceof Fault) return user;
  if (password instanceof Fault) return password;
  return { user, password: userinfo.includes(':') ? password : undefined };
}

function userinfoOf({ user, password }: Credentials): string | undefined {
  if (user === undefined) return undefined;
  return password === undefined ? escaped(user) : `${escaped(user)}:${escaped(password.reveal())}`;
}

function withQuery(hint?: string): Fault {
  return new Fault('nothing after the port but "/" and #tag', { found: 'a query', hint });
}
