/**
 * DNS over HTTPS (RFC 8484), over HTTP/2 only: the least that it recommends (§5.2), and all that some servers speak.
 */
import type { Secret } from '../../base/secret.ts';
import { formatAddress, formatHostPort, type Endpoint } from '../../net/address.ts';
import type { OpenStream } from '../../net/byte_stream.ts';
import type { Exchange } from './exchange.ts';
import { connectHttp2, MOST_STREAMS } from './http2_connection.ts';
import { createPooledExchange } from './pool.ts';
import { createStartTls, type TlsOptions } from './tls_socket.ts';

export interface HttpsOptions extends Omit<TlsOptions, 'alpn'> {
  readonly path: string;
  /** `user:password`, sent as Basic (RFC 7617). */
  readonly authorization: Secret | undefined;
}

export function createHttpsExchange(
  open: OpenStream,
  resolver: Endpoint,
  { label, host, ca, path, authorization }: HttpsOptions,
): Exchange {
  const startTls = createStartTls(open, { label, host, ca, alpn: ['h2'] });
  const origin = `https://${formatHostPort(host ?? formatAddress(resolver.address), resolver.port)}`;
  const connect = () =>
    connectHttp2((events) => startTls(resolver, events), {
      label,
      origin,
      path,
      authorization: authorization && `Basic ${Buffer.from(authorization.reveal()).toString('base64')}`,
    });
  return createPooledExchange(label, connect, MOST_STREAMS);
}
