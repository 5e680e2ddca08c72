/** A connection of HTTP/2 requests, each with one query on a stream of its own (RFC 8484 §4.1, RFC 9113). */
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { answers, copyWithId } from '../wire/answer.ts';
import { idOf, setId } from '../wire/header.ts';
import { createWatch, notBelieved, unreachable, type Connection, type Together } from './connection.ts';
import { ExchangeError } from './exchange.ts';
import { onAbort, timeout } from './gate.ts';
import { MEDIA_TYPE, readResponse } from './http2_response.ts';
import type { TlsEvents } from './tls_socket.ts';

/** At once; RFC 9113 §6.5.2 asks servers to allow no fewer. */
export const MOST_STREAMS = 100;

export interface Http2Options {
  /** For messages. */
  readonly label: string;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly path: string;
  /** Value of the header. */
  readonly authorization: string | undefined;
}

interface Request {
  send(session: ClientHttp2Session): void;
  /** It can't be answered any more. */
  lost(error: ExchangeError): void;
}

/**
 * Opens a connection; queries may be given to it at once.
 *
 * @param startTls begins to connect, offering HTTP/2
 */
export function connectHttp2(
  startTls: (events: TlsEvents) => TLSSocket,
  { label, origin, path, authorization }: Http2Options,
): Connection {
  const requests = new Set<Request>();
  let session: ClientHttp2Session | undefined;
  /** The server takes no new requests (GOAWAY). */
  let isRetired = false;
  /** Queries, ever. */
  let asked = 0;
  let over: ExchangeError | undefined;
  /** Those that are under way as it ends, or begins to. */
  let doomed: Together | undefined;

  /** Requests end before their connection, and with it: of one alone it is not the connection that is lost. */
  const isEnding = () =>
    over !== undefined || isRetired || session?.closed === true || session?.destroyed === true;
  const lostTogether = () => (doomed ??= { count: requests.size });

  const end = (error: ExchangeError) => {
    if (over) return;
    over = error;
    watch.stop();
    lostTogether();
    for (const request of requests) request.lost(error);
    requests.clear();
    session?.destroy();
    socket.destroy();
  };
  const watch = createWatch(label, end);

  const socket = startTls({
    secured(secure) {
      if (over) return;
      if (secure.alpnProtocol !== 'h2') return end(protocol(`${label}: the server does not speak HTTP/2`));
      session = connect(origin, { createConnection: () => secure });
      session.on('error', (error) => end(unreachable(`${label}: HTTP/2 failed`, error)));
      session.on('goaway', () => (isRetired = true));
      session.on('close', () => end(unreachable(`${label}: the connection was closed`)));
      for (const request of requests) request.send(session);
      watch.restart(requests.size);
    },
    closed: (error) => end(error ?? unreachable(`${label}: the connection was closed`)),
  });

  /** Sends the bytes of a query. @returns its stream, and the answer that comes back on it */
  const post = (to: ClientHttp2Session, sent: Uint8Array) => {
    const stream = to.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: MEDIA_TYPE,
      [constants.HTTP2_HEADER_ACCEPT]: MEDIA_TYPE,
      [constants.HTTP2_HEADER_CONTENT_LENGTH]: sent.length,
      ...(authorization !== undefined && { [constants.HTTP2_HEADER_AUTHORIZATION]: authorization }),
    });
    const answer = readResponse(stream, label, () => watch.restart(requests.size));
    stream.end(sent);
    return { stream, answer };
  };

  return {
    get isOver() {
      return over !== undefined;
    },
    get isFull() {
      const allowed = session?.remoteSettings?.maxConcurrentStreams ?? MOST_STREAMS;
      return isRetired || requests.size >= Math.min(MOST_STREAMS, allowed);
    },

    ask: (query, { signal, accept }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(timeout(`${label}: not asked in time`, signal));
        const worked = () => session !== undefined;
        if (over) return resolve({ error: over, worked: worked(), alone: false, together: { count: 1 } });
        asked++;
        // Always 0, so that caches on the way see equal queries as equal (RFC 8484 §4.1).
        const sent = copyWithId(query, 0);
        let stream: ClientHttp2Stream | undefined;

        const leave = () => {
          stopListening();
          requests.delete(request);
        };
        const take = (answer: Uint8Array) => {
          leave();
          if (!answers(sent, answer)) return reject(protocol(`${label}: another question was answered`));
          setId(answer, idOf(query));
          if (!accept || accept(answer)) resolve(answer);
          else reject(notBelieved(label));
        };
        const lose = (error: ExchangeError) => {
          const together = isEnding() ? lostTogether() : { count: 1 };
          leave();
          if (error.status !== 'ERR_DNS_UNREACHABLE') return reject(error);
          resolve({ error, worked: worked(), alone: !isEnding() || asked === 1, together });
        };
        const request: Request = {
          send(to) {
            const posted = post(to, sent);
            stream = posted.stream;
            posted.answer.then(take, lose);
          },
          lost: lose,
        };
        const stopListening = onAbort(signal, () => {
          requests.delete(request);
          stream?.close(constants.NGHTTP2_CANCEL);
          reject(timeout(`${label}: no answer in time`, signal));
        });
        requests.add(request);
        if (!session) return;
        request.send(session);
        if (requests.size === 1) watch.restart(1);
      }),

    close: end,
  };
}

function protocol(message: string): ExchangeError {
  return new ExchangeError('ERR_DNS_PROTOCOL', message);
}
