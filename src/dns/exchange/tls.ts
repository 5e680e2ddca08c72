/** DNS over TLS (RFC 7858). */
import type { OpenStream } from '../../net/byte_stream.ts';
import type { Endpoint } from '../../net/address.ts';
import type { Exchange } from './exchange.ts';
import { connectFramed, MOST_FRAMED } from './framed.ts';
import { createPooledExchange } from './pool.ts';
import { createStartTls, type StartTls, type TlsOptions } from './tls_socket.ts';

export function createTlsExchange(
  open: OpenStream,
  resolver: Endpoint,
  options: Omit<TlsOptions, 'alpn'>,
): Exchange {
  // RFC 7858 §3.1 asks for no ALPN; "dot" is registered, and some servers on port 443 tell by it what is meant.
  const secure = streamOver(createStartTls(open, { ...options, alpn: ['dot'] }));
  const connect = () => connectFramed((events) => secure(resolver, events), options.label);
  return createPooledExchange(options.label, connect, MOST_FRAMED);
}

/** What is inside of TLS, as a ByteStream of its own. */
function streamOver(startTls: StartTls): OpenStream {
  return (destination, events) => {
    let isClosed = false;
    const socket = startTls(destination, {
      secured: () => {
        if (!isClosed) events.open();
      },
      closed: (error) => {
        if (isClosed) return;
        isClosed = true;
        events.close(error);
      },
    });
    socket.on('data', (bytes: Uint8Array) => {
      if (!isClosed) events.data(bytes);
    });
    return {
      // Copied: what TLS can't take at once it keeps, and the caller may use the bytes again.
      write: (bytes) => void socket.write(bytes.slice()),
      close: () => {
        isClosed = true;
        socket.destroy();
      },
    };
  };
}
