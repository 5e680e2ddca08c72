/** Links of the TLS tunnel: `snet+tls://TOKEN@host:port/?sni=…&pin=…&ca=…&insecure=1#tag`, the token percent-encoded. */
import { Secret } from '../base/secret.ts';
import type { TunnelConfig } from './config.ts';
import { Fault } from './leaf.ts';
import { decodedCredential, escaped, joinLink, linkParts, parseLocation } from './link_parts.ts';
import { formatTlsOptions, parseTlsOptions } from './tls_options.ts';

/** The tunnel's header has two bytes for its length. */
const LONGEST_TOKEN = 0xffff;

/** @param rest what stands behind `snet+tls://` */
export function parseTunnelLink(rest: string): TunnelConfig | Fault {
  const { userinfo, location, query, tag } = linkParts(rest);
  if (userinfo === undefined) return new Fault('TOKEN@HOST:PORT after snet+tls://', { found: 'no "@"' });
  const plain = decodedCredential(userinfo, 'TOKEN before the @, percent-encoded');
  const token = plain instanceof Fault ? plain : parseToken(plain);
  if (token instanceof Fault) return token;
  const place = parseLocation(location, 'the @');
  if (place instanceof Fault) return place;
  const tls = parseTlsOptions(query);
  if (tls instanceof Fault) return tls;
  return { type: 'tls', ...place, token, tls, tag, via: undefined, names: false };
}

export function formatTunnelLink(config: TunnelConfig): string {
  return joinLink('snet+tls', escaped(config.token.reveal()), config, formatTlsOptions(config.tls));
}

/** What the tunnel's server knows us by. */
export function parseToken(text: string): Secret | Fault {
  const size = Buffer.byteLength(text);
  if (size >= 1 && size <= LONGEST_TOKEN) return new Secret(text);
  const found = size === 0 ? 'an empty token' : `a token of ${size} bytes`;
  return new Fault(`a token of 1 to ${LONGEST_TOKEN} bytes`, { found });
}
