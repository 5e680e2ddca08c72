/** A resolver that closes its connection at some queries, over real sockets: those fail, and no others. */
import { describe, expect, test } from 'bun:test';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { decode } from 'dns-packet';
import type { Exchange } from '../../../src/dns/exchange/exchange.ts';
import { frame } from '../../../src/dns/wire/framing.ts';
import { eventually } from '../../lab/eventually.ts';
import { describeNeeding } from '../../needs.ts';
import { unframing } from '../wire/unframing.ts';
import { NAME } from './certificates.ts';
import { answer, ask, failure, NEVER, told } from './messages.ts';
import { opened } from './open_direct.ts';
import { serversForAll } from './servers.ts';

type Transport = 'tcp' | 'tls' | 'https';

/** How long the others' answers take: when a connection is closed, none of those asked together has come. */
const LATER_MS = 20;
const ADDRESS = '192.0.2.1';

/** The far end of one connection. */
interface Line {
  reply(message: Uint8Array): void;
  hangUp(): void;
}

/** What a resolver was asked, and over how many connections. */
class Resolver {
  readonly asked: string[] = [];
  connections = 0;

  /** A query has come. */
  take(query: Uint8Array, to: Line): void {
    const { name } = decode(Buffer.from(query)).questions![0]!;
    this.asked.push(name);
    if (name.startsWith('poison')) to.hangUp();
    else setTimeout(() => to.reply(answer(query, [ADDRESS])), LATER_MS);
  }

  timesAsked(name: string): number {
    return this.asked.filter((one) => one === name).length;
  }
}

describeNeeding(['openssl'], 'a resolver that hangs up at some queries', () => {
  const servers = serversForAll();

  const framed = (resolver: Resolver) => (socket: Socket) => {
    resolver.connections++;
    const unframe = unframing();
    const line: Line = {
      reply: (message) => void (socket.destroyed || socket.write(frame(message))),
      hangUp: () => void socket.destroy(),
    };
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      for (const query of unframe(bytes)) if (!socket.destroyed) resolver.take(query, line);
    });
  };

  const http2 = (resolver: Resolver) => {
    const server = createSecureServer(servers.tls);
    server.on('session', () => resolver.connections++);
    server.on('stream', (stream: ServerHttp2Stream) => {
      const parts: Uint8Array[] = [];
      const line: Line = {
        reply(message) {
          if (stream.destroyed) return;
          stream.respond({ ':status': 200, 'content-type': 'application/dns-message' });
          stream.end(message);
        },
        hangUp: () => stream.session?.destroy(),
      };
      stream.on('error', () => {});
      stream.on('data', (part: Uint8Array) => parts.push(part));
      stream.on('end', () => {
        // What ends without a byte has been cut off.
        if (parts.length > 0) resolver.take(new Uint8Array(Buffer.concat(parts)), line);
      });
    });
    return server;
  };

  async function start(transport: Transport): Promise<{ resolver: Resolver; exchange: Exchange }> {
    const resolver = new Resolver();
    const server: Pick<Server, 'listen' | 'close' | 'address'> =
      transport === 'tcp'
        ? createTcpServer(framed(resolver))
        : transport === 'tls'
          ? createTlsServer(servers.tls, framed(resolver))
          : http2(resolver);
    const secure = transport === 'tcp' ? {} : { host: NAME, ca: servers.authority };
    return { resolver, exchange: servers.exchange(transport, await servers.listen(server), secure) };
  }

  const names = (what: string, count: number) => Array.from({ length: count }, (_, n) => `${what}${n}.test`);
  const outcome = async (exchange: Exchange, name: string) => {
    const { query, question } = ask(name);
    const asked = exchange.ask(query, question, { signal: NEVER });
    return asked.then((message) => told(message).data[0]).catch(() => failure(asked));
  };
  const outcomes = async (exchange: Exchange, asked: readonly string[]) => {
    const results = await Promise.all(asked.map(async (name) => [name, await outcome(exchange, name)]));
    return Object.fromEntries(results) as Record<string, unknown>;
  };
  const expected = (good: readonly string[], poisons: readonly string[]) => ({
    ...Object.fromEntries(good.map((name) => [name, ADDRESS])),
    ...Object.fromEntries(poisons.map((name) => [name, 'ERR_DNS_UNREACHABLE'])),
  });

  describe.each<Transport>(['tcp', 'tls', 'https'])('over %s', (transport) => {
    test('the others asked with one of them are answered', async () => {
      const { resolver, exchange } = await start(transport);
      const good = names('n', 6);
      const all = [...good.slice(0, 3), 'poison.test', ...good.slice(3)];
      expect(await outcomes(exchange, all)).toEqual(expected(good, ['poison.test']));
      // Twice with others, then alone.
      expect(resolver.timesAsked('poison.test')).toBe(3);
      for (const name of good) expect(resolver.timesAsked(name)).toBeLessThanOrEqual(3);
      expect(resolver.connections).toBeLessThanOrEqual(2 + all.length);
    });

    test('that is so among many, and with several', async () => {
      const { resolver, exchange } = await start(transport);
      const good = names('n', 300);
      const poisons = names('poison', 3);
      const all = good
        .toSpliced(20, 0, poisons[0]!)
        .toSpliced(80, 0, poisons[1]!)
        .toSpliced(250, 0, poisons[2]!);
      expect(await outcomes(exchange, all)).toEqual(expected(good, poisons));
      for (const name of all) expect(resolver.timesAsked(name)).toBeLessThanOrEqual(6);
    });

    test('one asked by itself is asked twice, no more', async () => {
      const { resolver, exchange } = await start(transport);
      expect(await outcomes(exchange, ['poison.test'])).toEqual(expected([], ['poison.test']));
      expect(resolver.asked).toEqual(['poison.test', 'poison.test']);
    });

    test('those asked later, while it is found out, are answered as well', async () => {
      const { exchange } = await start(transport);
      const good = names('n', 100);
      const poisons = names('poison', 5);
      const late = async (name: string, n: number) => {
        await Bun.sleep(n);
        return outcome(exchange, name);
      };
      const asked = Promise.all(good.map(late));
      const failed = Promise.all(poisons.map((name, n) => late(name, 20 * n)));
      expect(await asked).toEqual(good.map(() => ADDRESS));
      expect(await failed).toEqual(poisons.map(() => 'ERR_DNS_UNREACHABLE'));
    });

    test('whoever is left alone by it has no connection left open', async () => {
      const { exchange } = await start(transport);
      const good = names('n', 6);
      await outcomes(exchange, [...good, 'poison.test']);
      // That for queries to come may be.
      await eventually('the others to be closed', () => opened.size <= 1);
    });
  });
});
