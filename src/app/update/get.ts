/** One request over https, by one of two ways: straight out, or through an upstream. The certificate is always verified. */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import { openDuplex } from '../../dns/exchange/duplex.ts';
import { parseAddress } from '../../net/address.ts';
import { targetOf } from '../../net/target.ts';
import { readTlsFailure } from '../../net/tls_failure.ts';
import type { Upstreams } from '../../upstream/upstream.ts';
import { streamTo } from '../upstream_stream.ts';

export interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** The body is not wanted. */
  drop(): void;
}

/**
 * Asks for what is at an https URL; redirections are not followed. The signal ends it, and the body with it.
 * @throws Error of the runtime
 */
export type Get = (url: string, headers: Headers, signal: AbortSignal) => Promise<Answer>;

/** By the system's resolver and a socket of our own: from outside of our group this is what a running snet catches. */
export const getDirectly: Get = async (url, headers, signal) => {
  // Said, lest NODE_TLS_REJECT_UNAUTHORIZED in somebody's environment turns it off.
  const tls = { rejectUnauthorized: true };
  const response = await fetch(url, { headers, signal, redirect: 'manual', tls });
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: response.body ?? new ReadableStream({ start: (none) => none.close() }),
    drop: () => void response.body?.cancel(),
  };
};

/** The upstream resolves the name. */
export function getThrough(upstreams: Upstreams): Get {
  return async (url, headers, signal) => {
    const { hostname, port } = new URL(url);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const socket = startTls(upstreams, hostname.replace(/^\[|\]$/g, ''), Number(port || 443), reject);
    signal.addEventListener('abort', () => socket.destroy());
    const asked = request(url, {
      createConnection: () => socket,
      headers: { ...Object.fromEntries(headers), 'accept-encoding': 'identity', connection: 'close' },
      signal,
    });
    asked.once('response', resolve);
    asked.once('error', reject);
    asked.end();
    try {
      const answer = await promise;
      return {
        status: answer.statusCode ?? 0,
        header: (name) => [answer.headers[name] ?? []].flat()[0],
        body: answer,
        drop: () => socket.destroy(),
      };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  };
}

/** @param failed is told first of all why there is no TLS, or no way there */
function startTls(
  upstreams: Upstreams,
  host: string,
  port: number,
  failed: (error: Error) => void,
): TLSSocket {
  const carrier = openDuplex((events) => streamTo(upstreams, targetOf(host, port), events));
  /** Those that the certificate is for. */
  let names: string | undefined;
  const socket = connect({
    socket: carrier,
    // SNI has no addresses (RFC 6066 §3).
    ...(parseAddress(host) ? {} : { servername: host }),
    rejectUnauthorized: true,
    checkServerIdentity(_, certificate) {
      names = certificate.subjectaltname;
      return checkServerIdentity(host, certificate);
    },
    ALPNProtocols: ['http/1.1'],
  });
  // Heard before TLS hears it, which makes an error of its own of it, or nothing.
  carrier.once('error', (error) => {
    failed(error);
    socket.destroy();
  });
  socket.once('error', (cause) => failed(new Error(readTlsFailure(cause, host, names).said, { cause })));
  socket.once('close', () => {
    failed(new Error('the connection was closed'));
    carrier.destroy();
  });
  return socket;
}
