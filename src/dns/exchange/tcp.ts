/** DNS over TCP (RFC 7766). */
import type { Endpoint } from '../../net/address.ts';
import type { OpenStream } from '../../net/byte_stream.ts';
import type { Exchange } from './exchange.ts';
import { connectFramed, MOST_FRAMED } from './framed.ts';
import { createPooledExchange } from './pool.ts';

export function createTcpExchange(label: string, open: OpenStream, resolver: Endpoint): Exchange {
  const connect = () => connectFramed((events) => open(resolver, events), label);
  return createPooledExchange(label, connect, MOST_FRAMED);
}
