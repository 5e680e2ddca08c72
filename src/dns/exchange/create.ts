/** From a resolver's configuration to its exchange. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ResolverConfig } from '../../config/dns_config.ts';
import { formatAddress, formatHostPort } from '../../net/address.ts';
import type { OpenStream } from '../../net/byte_stream.ts';
import { ExchangeError, type Exchange } from './exchange.ts';
import { createHttpsExchange } from './https.ts';
import { createTcpExchange } from './tcp.ts';
import { createTlsExchange } from './tls.ts';
import { createUdpExchange } from './udp.ts';

const PORTS = { udp: 53, tcp: 53, tls: 853, https: 443 } as const;

export interface CreateOptions {
  /** Streams to the resolver: direct, or through the upstream. Datagrams always go directly. */
  readonly open: OpenStream;
  /** {@link DnsConfig.mixCase} */
  readonly mixCase: boolean;
}

/**
 * Nothing is connected before something is asked.
 * @throws ExchangeError ERR_DNS_TLS if the `ca` file can't be used
 */
export function createExchange(config: ResolverConfig, { open, mixCase }: CreateOptions): Exchange {
  const { transport, address, port, host, path = '/dns-query', authorization } = config;
  const label = labelOf(config);
  const resolver = { address, port };
  if (transport === 'tcp') return createTcpExchange(label, open, resolver);
  if (transport === 'udp') {
    const tcp = createTcpExchange(label, open, resolver);
    return createUdpExchange({ label, resolver, tcp, mixCase });
  }
  const tls = { label, host, ca: readAuthority(config, label) };
  if (transport === 'tls') return createTlsExchange(open, resolver, tls);
  return createHttpsExchange(open, resolver, { ...tls, path, authorization });
}

/**
 * As in {@link Exchange.label}: the port only if it is not the transport's own, and never what authorizes us. The address
 * always: one name may stand for several resolvers.
 */
export function labelOf({ transport, address, port, host, path = '/dns-query' }: ResolverConfig): string {
  const number = formatAddress(address);
  const bare = address.family === 6 ? `[${number}]` : number;
  const at = port === PORTS[transport] ? bare : formatHostPort(number, port);
  return `${transport}://${at}${transport === 'https' ? path : ''}${host === undefined ? '' : ` (${host})`}`;
}

function readAuthority({ ca }: ResolverConfig, label: string): string | undefined {
  if (ca === undefined) return undefined;
  try {
    const pem = readFileSync(ca, 'utf8');
    // TLS would find out, but only when the first query is asked.
    void new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new ExchangeError('ERR_DNS_TLS', `${label}: "${ca}" has no certificate that can be read`, {
      cause,
    });
  }
}
