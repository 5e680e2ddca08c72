/** What a client has to be told of a server: share links, one for each user of each listener. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Secret } from '../../base/secret.ts';
import type { TlsConfig, UpstreamConfig } from '../../config/config.ts';
import { hasIdentities } from '../../config/server_keys.ts';
import type { ListenerConfig, ServerConfig, ShadowsocksListener } from '../../config/server_config.ts';
import { formatShareLink } from '../../config/share_link.ts';
import { DEFAULT_TLS } from '../../config/tls_options.ts';
import { formatAddress, parseAddress, type Address, type Host } from '../../net/address.ts';
import { localAddresses } from '../../net/local_addresses.ts';
import { createPrivateCheck } from './private.ts';

/** In place of a host that nobody knows. */
export const PLACEHOLDER: Host = 'your-server.example';

export interface Shared {
  readonly user: string | undefined;
  readonly link: string;
}

/** @param host of all links; undefined: what is found out, or else {@link PLACEHOLDER} */
export function shareLinksOf({ listeners }: ServerConfig, host: Host | undefined): Shared[] {
  return listeners.flatMap((listener) => {
    const server = host ?? hostOf(listener, localAddresses());
    return upstreamsOf(listener, server).map((upstream) => ({
      user: upstream.tag,
      link: formatShareLink(upstream),
    }));
  });
}

/** @param local addresses of this machine: behind NAT none of them is the one that clients have to know */
export function hostOf({ address }: ListenerConfig, local: readonly Address[]): Host {
  if (address && address.bytes.some((byte) => byte !== 0)) return formatAddress(address);
  const isPrivate = createPrivateCheck();
  const own = local
    .filter((one) => !isPrivate(one) && (address === undefined || address.family === one.family))
    // Clients without IPv6 are more than those without IPv4.
    .sort((a, b) => a.family - b.family);
  return own[0] ? formatAddress(own[0]) : PLACEHOLDER;
}

function upstreamsOf(listener: ListenerConfig, server: Host): UpstreamConfig[] {
  const place = { server, port: listener.port, via: undefined, names: false };
  if (listener.type === 'tls') {
    const tls = beliefIn(new X509Certificate(readFileSync(listener.cert)), server);
    return [...listener.users].map(([tag, token]) => ({ type: 'tls', ...place, tag, token, tls }));
  }
  const { method } = listener;
  return passwordsOf(listener).map(([tag, password]) => ({
    type: 'shadowsocks',
    ...place,
    tag,
    method,
    password,
    plugin: undefined,
  }));
}

/** With the name of whoever has each, if it has one. */
function passwordsOf({ method, password, users }: ShadowsocksListener): [string | undefined, Secret][] {
  if (password && users.size === 0) return [[undefined, password]];
  return [...users].map(([user, key]) => {
    const both = password && hasIdentities(method) ? `${password.reveal()}:${key.reveal()}` : key.reveal();
    return [user, new Secret(both)];
  });
}

/** What a client needs to know to believe our certificate: of one that nobody has signed but we, its hash. */
export function beliefIn(certificate: X509Certificate, host: Host): TlsConfig {
  if (certificate.checkIssued(certificate))
    return { ...DEFAULT_TLS, pins: [certificate.fingerprint256.replaceAll(':', '').toLowerCase()] };
  const isFor = parseAddress(host) ? certificate.checkIP(host) : certificate.checkHost(host);
  if (isFor !== undefined) return DEFAULT_TLS;
  const sni = /(?:^|, )DNS:([^*,]+)/.exec(certificate.subjectAltName ?? '')?.[1];
  return { ...DEFAULT_TLS, sni };
}
