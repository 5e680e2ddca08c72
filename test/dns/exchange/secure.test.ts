/** TLS and HTTPS against servers that misbehave. */
import { describe, expect, test } from 'bun:test';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { Secret } from '../../../src/base/secret.ts';
import type { Exchange } from '../../../src/dns/exchange/exchange.ts';
import { frame } from '../../../src/dns/wire/framing.ts';
import { unframing } from '../wire/unframing.ts';
import { idOf } from '../../../src/dns/wire/header.ts';
import type { OpenStream } from '../../../src/net/byte_stream.ts';
import { eventually } from '../../lab/eventually.ts';
import { describeNeeding } from '../../needs.ts';
import { NAME } from './certificates.ts';
import { answer, ask, failure, NEVER, told } from './messages.ts';
import { openDirect } from './open_direct.ts';
import { serversForAll } from './servers.ts';

const TRUE = ['192.0.2.1'];
const { query, question } = ask('a.test', { id: 99 });

/** A carrier that tears everything into pieces of a byte or a few. */
const openShredded: OpenStream = (destination, events) =>
  openDirect(destination, {
    ...events,
    data(bytes) {
      for (let at = 0; at < bytes.length;) {
        const size = 1 + (at % 3);
        events.data(bytes.slice(at, at + size));
        at += size;
      }
    },
  });

describeNeeding(['openssl'], 'over TLS', () => {
  const servers = serversForAll();

  const exchange = (transport: 'tls' | 'https', port: number, open = openDirect): Exchange => {
    const authorization = transport === 'https' ? new Secret('me:secret') : undefined;
    const more = { host: NAME, path: '/ask', ca: servers.authority, authorization };
    return servers.exchange(transport, port, more, open);
  };
  const asks = async (of: Exchange) => told(await of.ask(query, question, { signal: NEVER }));
  const fails = (of: Exchange) => failure(of.ask(query, question, { signal: NEVER }));

  describe('framed', () => {
    const serve = (onQuery: (query: Uint8Array, socket: TLSSocket) => void) =>
      createTlsServer(servers.tls, (socket) => {
        const unframe = unframing();
        socket.on('data', (bytes: Buffer) => unframe(bytes).forEach((one) => onQuery(one, socket)));
        socket.on('error', () => {});
      });

    test('answers come through, however the carrier cuts them', async () => {
      const port = await servers.listen(serve((one, socket) => void socket.write(frame(answer(one, TRUE)))));
      expect(await asks(exchange('tls', port, openShredded))).toEqual({ id: 99, data: TRUE });
    });

    test('a connection opened again resumes the session', async () => {
      const reused: boolean[] = [];
      const server = serve((one, socket) => {
        reused.push(socket.isSessionReused());
        socket.end(frame(answer(one, TRUE)));
      });
      const of = exchange('tls', await servers.listen(server));
      for (let n = 0; n < 3; n++) expect(await asks(of)).toEqual({ id: 99, data: TRUE });
      expect(reused).toEqual([false, true, true]);
    });

    test('garbage inside of good TLS is no DNS', async () => {
      const port = await servers.listen(serve((_, socket) => void socket.write('\0\0\0\0')));
      expect(await fails(exchange('tls', port))).toBe('ERR_DNS_PROTOCOL');
    });

    test.each<[string, (socket: Socket) => void, string]>([
      ['hangs up at once', (socket) => void socket.end(), 'ERR_DNS_UNREACHABLE'],
      ['speaks something else', (socket) => void socket.end('220 mail.test ESMTP\r\n'), 'ERR_DNS_TLS'],
    ])('a server that %s', async (_, onConnection, status) => {
      const server = createTcpServer((socket) => {
        socket.on('error', () => {});
        onConnection(socket);
      });
      expect(await fails(exchange('tls', await servers.listen(server)))).toBe(status);
    });
  });

  describe('in HTTP/2', () => {
    interface Posted {
      readonly method: unknown;
      readonly path: unknown;
      readonly authority: unknown;
      readonly type: unknown;
      readonly authorization: unknown;
      readonly body: Uint8Array;
    }
    const serve = (onPost: (stream: ServerHttp2Stream, posted: Posted) => void) => {
      const server = createSecureServer(servers.tls);
      server.on('stream', (stream: ServerHttp2Stream, headers) => {
        const parts: Uint8Array[] = [];
        stream.on('error', () => {});
        stream.on('data', (part: Uint8Array) => parts.push(part));
        stream.on('end', () =>
          onPost(stream, {
            method: headers[':method'],
            path: headers[':path'],
            authority: headers[':authority'],
            type: headers['content-type'],
            authorization: headers.authorization,
            body: new Uint8Array(Buffer.concat(parts)),
          }),
        );
      });
      return server;
    };
    const DNS = { ':status': 200, 'content-type': 'application/dns-message' };
    const reply = (stream: ServerHttp2Stream, body: Uint8Array, headers: object = DNS) => {
      stream.respond({ 'content-length': body.length, ...headers });
      stream.end(body);
    };

    test('a query is posted as RFC 8484 has it, and the answer comes through, however it is cut', async () => {
      const seen: Posted[] = [];
      const server = serve((stream, posted) => {
        seen.push(posted);
        reply(stream, answer(posted.body, TRUE));
      });
      const port = await servers.listen(server);
      expect(await asks(exchange('https', port, openShredded))).toEqual({ id: 99, data: TRUE });
      const [{ body, ...posted }] = seen as [Posted];
      expect(posted).toEqual({
        method: 'POST',
        path: '/ask',
        authority: `${NAME}:${port}`,
        type: 'application/dns-message',
        authorization: `Basic ${btoa('me:secret')}`,
      });
      expect([idOf(body), body.slice(2)]).toEqual([0, query.slice(2)]);
    });

    test.each<[string, (stream: ServerHttp2Stream, posted: Posted) => void]>([
      ['another status', (stream) => reply(stream, new Uint8Array(0), { ':status': 503 })],
      [
        'a redirect',
        (stream) => reply(stream, new Uint8Array(0), { ':status': 307, location: '/elsewhere' }),
      ],
      [
        'another type',
        (stream, { body }) => reply(stream, answer(body, TRUE), { ...DNS, 'content-type': 'text/html' }),
      ],
      [
        'no end',
        (stream) => {
          stream.respond(DNS);
          stream.write(new Uint8Array(70_000));
        },
      ],
      ['nothing', (stream) => reply(stream, new Uint8Array(0))],
      ['the query', (stream, { body }) => reply(stream, body)],
      [
        'the answer to another question',
        (stream) => reply(stream, answer(ask('b.test', { id: 0 }).query, TRUE)),
      ],
    ])('a response with %s is no answer, and the next may be one', async (_, onPost) => {
      let isFirst = true;
      const server = serve((stream, posted) => {
        if (isFirst) onPost(stream, posted);
        else reply(stream, answer(posted.body, TRUE));
        isFirst = false;
      });
      const of = exchange('https', await servers.listen(server));
      expect(await fails(of)).toBe('ERR_DNS_PROTOCOL');
      expect(await asks(of)).toEqual({ id: 99, data: TRUE });
    });

    test('a request that is reset is made again, once', async () => {
      let requests = 0;
      const server = serve((stream, { body }) => {
        if (++requests !== 2) stream.close(0x7);
        else reply(stream, answer(body, TRUE));
      });
      const of = exchange('https', await servers.listen(server));
      expect(await asks(of)).toEqual({ id: 99, data: TRUE });
      expect(requests).toBe(2);
      expect(await fails(of)).toBe('ERR_DNS_UNREACHABLE');
      expect(requests).toBe(4);
    });

    test.each<[string, (stream: ServerHttp2Stream) => void]>([
      ['stream', (stream) => stream.close(0x2)],
      ['connection', (stream) => stream.session!.destroy()],
    ])('an answer whose %s breaks off is none: the query is asked again', async (_, breakOff) => {
      let requests = 0;
      const server = serve((stream, { body }) => {
        const whole = answer(body, TRUE);
        if (++requests > 1) return reply(stream, whole);
        stream.respond({ ...DNS, 'content-length': whole.length });
        stream.write(whole.subarray(0, whole.length - 4));
        setTimeout(() => breakOff(stream), 20);
      });
      const of = exchange('https', await servers.listen(server));
      expect(await asks(of)).toEqual({ id: 99, data: TRUE });
      expect(requests).toBe(2);
    });

    test('a server that goes away after each request is connected to again', async () => {
      let connections = 0;
      const server = serve((stream, { body }) => {
        reply(stream, answer(body, TRUE));
        stream.session?.goaway();
      });
      server.on('session', () => connections++);
      const of = exchange('https', await servers.listen(server));
      for (let n = 0; n < 3; n++) {
        expect(await asks(of)).toEqual({ id: 99, data: TRUE });
        // The word may come after the answer.
        await Bun.sleep(20);
      }
      expect(connections).toBe(3);
    });

    test('a server of HTTP/1.1 only is told so', async () => {
      const server = createTlsServer({ ...servers.tls, ALPNProtocols: ['http/1.1'] }, (socket) =>
        socket.on('error', () => {}),
      );
      server.on('tlsClientError', () => {});
      expect(await fails(exchange('https', await servers.listen(server)))).toMatch(
        /^ERR_DNS_(?:PROTOCOL|TLS)$/,
      );
    });

    test('the signal ends one request and leaves the others', async () => {
      const streams: (() => void)[] = [];
      const server = serve((stream, { body }) => {
        streams.push(() => reply(stream, answer(body, TRUE)));
      });
      const of = exchange('https', await servers.listen(server));
      const controller = new AbortController();
      const ended = failure(of.ask(query, question, { signal: controller.signal }));
      const other = asks(of);
      await eventually('both requests', () => streams.length === 2);
      controller.abort();
      expect(await ended).toBe('ERR_DNS_TIMEOUT');
      streams[1]!();
      expect(await other).toEqual({ id: 99, data: TRUE });
    });

    test('close ends what is under way', async () => {
      let requests = 0;
      const of = exchange('https', await servers.listen(serve(() => requests++)));
      const asked = fails(of);
      await eventually('the request', () => requests === 1);
      of.close();
      expect(await asked).toBe('ERR_DNS_UNREACHABLE');
      expect(await fails(of)).toBe('ERR_DNS_UNREACHABLE');
    });
  });
});
