/** Streams over real sockets of loopback, by way of an upstream whose session is easy to see through. */
import { afterEach, describe, expect, test } from 'bun:test';
import { streamsBy } from '../../src/app/upstream_stream.ts';
import { parseAddress, type Endpoint } from '../../src/net/address.ts';
import type { ByteStream } from '../../src/net/byte_stream.ts';
import { SessionError, type Session } from '../../src/net/session.ts';
import { direct } from '../../src/upstream/direct.ts';
import { single } from '../../src/upstream/single.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import { eventually } from '../lab/eventually.ts';

const LOOPBACK = parseAddress('127.0.0.1')!;
const HEADER = 'HDR';
const MASK = 0x5a;
/** The session takes it for the mark of a liar. */
const FORBIDDEN = 0xee;

const servers: { stop(closeActive: boolean): void }[] = [];
const streams: ByteStream[] = [];
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
  for (const server of servers.splice(0)) server.stop(true);
});

interface Server {
  readonly endpoint: Endpoint;
  readonly got: () => Buffer;
  readonly ended: () => boolean;
}

/** Sends back what comes behind the header of the session; `mute` servers read nothing at all. */
function serve({
  header = '',
  mute = false,
  farewell,
}: { header?: string; mute?: boolean; farewell?: Uint8Array } = {}): Server {
  const chunks: Buffer[] = [];
  let ended = false;
  let skipped = 0;
  let unsent = Buffer.alloc(0);
  const flush = (socket: { write(bytes: Uint8Array): number }) => {
    unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  };
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(socket) {
        if (mute) socket.pause();
        if (farewell) socket.end(farewell);
      },
      data(socket, chunk) {
        chunks.push(Buffer.from(chunk));
        const rest = chunk.subarray(Math.min(chunk.length, header.length - skipped));
        skipped += chunk.length - rest.length;
        unsent = Buffer.concat([unsent, rest]);
        flush(socket);
      },
      drain: flush,
      close: () => void (ended = true),
      error: () => void (ended = true),
    },
  });
  servers.push(server);
  return {
    endpoint: { address: LOOPBACK, port: server.port },
    got: () => Buffer.concat(chunks),
    ended: () => ended,
  };
}

/** A port where nobody listens. */
function nowhere(): Endpoint {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  server.stop(true);
  return { address: LOOPBACK, port: server.port };
}

function session(): Session & { disposed: number } {
  let begun = false;
  const masked = (bytes: Uint8Array) => bytes.map((byte) => byte ^ MASK);
  const put = (bytes: Uint8Array, out: Parameters<Session['seal']>[3]) =>
    out.bytes.set(bytes, out.take(bytes.length));
  return {
    disposed: 0,
    seal(plain, from, to, out) {
      if (!begun) put(Buffer.from(HEADER), out);
      begun = true;
      put(masked(plain.bytes.subarray(from, to)), out);
    },
    open(wire, from, to, out) {
      const bytes = wire.bytes.subarray(from, to);
      if (bytes.includes(FORBIDDEN)) throw new SessionError('ERR_AEAD', 'forged');
      put(masked(bytes), out);
    },
    openEnd() {},
    dispose() {
      this.disposed++;
    },
  };
}

function upstreamAt(endpoints: readonly Endpoint[], own: Session | undefined = session()) {
  const reports: (readonly [port: number, worked: boolean])[] = [];
  const upstream: Upstream = {
    ...direct,
    label: 'test',
    endpoints: () => endpoints,
    report(result) {
      if ('endpoint' in result && result.endpoint)
        reports.push([result.endpoint.port, result.kind === 'opened']);
    },
    tunnel: () => ({ session: own }),
  };
  return { upstream, reports };
}

/** A stream, and all that it told. */
function opened(upstream: Upstream, destination: Endpoint = { address: LOOPBACK, port: 9 }) {
  const told: string[] = [];
  const data: Uint8Array[] = [];
  let error: Error | undefined;
  const stream: ByteStream = streamsBy(single(upstream))(destination, {
    open: () => void told.push('open'),
    data: (bytes) => void data.push(bytes),
    close(reason) {
      told.push('close');
      error = reason;
    },
  });
  streams.push(stream);
  // Whatever happens, it is told later than that: the caller must have the stream before.
  expect(told).toEqual([]);
  return {
    stream,
    told,
    data: () => Buffer.concat(data),
    error: () => error,
    until: (word: string) => eventually(`the stream to ${word}`, () => told.includes(word)),
  };
}

describe.each(['direct', 'upstream'] as const)('a stream, %s', (way) => {
  const to = (server: Server) =>
    way === 'direct' ? opened(direct, server.endpoint) : opened(upstreamAt([server.endpoint]).upstream);
  const header = way === 'direct' ? '' : HEADER;

  test('carries bytes both ways, whatever pieces they come in', async () => {
    const stream = to(serve({ header }));
    await stream.until('open');
    const sizes = [1, 2, 1000, 1001, 65_536, 300_000];
    const sent = sizes.map((size) => Buffer.alloc(size, size % 200));
    for (const bytes of sent) {
      stream.stream.write(bytes);
      const all = Buffer.concat(sent.slice(0, sent.indexOf(bytes) + 1));
      // The caller may use its bytes again.
      const copy = Buffer.from(all);
      await eventually('all of it back', () => stream.data().length === all.length);
      expect(stream.data().equals(copy)).toBe(true);
    }
    expect(stream.told).toEqual(['open']);
  });

  test('does not look at bytes again once write() has returned', async () => {
    const stream = to(serve({ header }));
    await stream.until('open');
    const bytes = Buffer.alloc(512 * 1024, 1);
    stream.stream.write(bytes);
    bytes.fill(2);
    await eventually('all of it back', () => stream.data().length === bytes.length);
    expect(stream.data().every((byte) => byte === 1)).toBe(true);
  });

  test('tells that the far side has ended, after its last bytes', async () => {
    const farewell = Buffer.from('bye').map((byte) => byte ^ (way === 'direct' ? 0 : MASK));
    const stream = to(serve({ header, farewell }));
    await stream.until('close');
    expect(stream.data().toString()).toBe('bye');
    expect(stream.told).toEqual(['open', 'close']);
    expect(stream.error()).toBeUndefined();
  });

  test('tells nothing more once it was closed, and the far side knows', async () => {
    const server = serve({ header });
    const stream = to(server);
    await stream.until('open');
    stream.stream.write(Buffer.from('x'));
    await eventually('it to come', () => server.got().length > 0);
    stream.stream.close();
    stream.stream.close();
    stream.stream.write(Buffer.from('y'));
    await eventually('the far side to see the end', () => server.ended());
    expect(stream.told).toEqual(['open']);
  });

  test('gives up when the network takes nothing for too long', async () => {
    const stream = to(serve({ header, mute: true }));
    await stream.until('open');
    const bytes = Buffer.alloc(64 * 1024, 1);
    // What the kernel's own buffers take on loopback is some megabytes.
    for (let i = 0; i < 1024 && !stream.told.includes('close'); i++) stream.stream.write(bytes);
    expect(stream.told).toEqual(['open', 'close']);
    expect(stream.error()?.message).toBe('the network takes no bytes');
  });
});

describe('a stream by way of an upstream', () => {
  test('tries its endpoints in their order, and reports how they do', async () => {
    const server = serve({ header: HEADER });
    const dead = nowhere();
    const { upstream, reports } = upstreamAt([dead, server.endpoint]);
    const stream = opened(upstream);
    await stream.until('open');
    expect(reports).toEqual([
      [dead.port, false],
      [server.endpoint.port, true],
    ]);
    stream.stream.write(Buffer.from('hello'));
    await eventually('the answer', () => stream.data().toString() === 'hello');
    expect(server.got().subarray(0, HEADER.length).toString()).toBe(HEADER);
  });

  test('fails once when none of them can be reached', async () => {
    const own = session();
    const { upstream, reports } = upstreamAt([nowhere(), nowhere()], own);
    const stream = opened(upstream);
    await stream.until('close');
    expect(stream.told).toEqual(['close']);
    expect((stream.error() as { code?: string }).code).toBe('ECONNREFUSED');
    expect(reports.map(([, worked]) => worked)).toEqual([false, false]);
    expect(own.disposed).toBe(0);
  });

  test('ends when its upstream has gone down: nothing more would come', async () => {
    let isDead = false;
    const server = serve({ header: HEADER });
    const { upstream } = upstreamAt([server.endpoint]);
    const stream = opened({ ...upstream, isLost: () => isDead });
    await stream.until('open');
    isDead = true;
    await stream.until('close');
    expect(stream.error()?.message).toBe('test is down');
  });

  test('fails where the upstream has no address', async () => {
    const stream = opened(upstreamAt([]).upstream);
    await stream.until('close');
    expect(stream.error()?.message).toBe('test: ERR_DIAL_NO_ADDRESS');
  });

  test('counts as failed an endpoint that had not answered when the stream was closed', async () => {
    // TEST-NET-1 (RFC 5737): nobody answers.
    const silent = { address: parseAddress('192.0.2.1')!, port: 9 };
    const { upstream, reports } = upstreamAt([silent]);
    const stream = opened(upstream);
    await Bun.sleep(0);
    stream.stream.close();
    expect(reports).toEqual([[9, false]]);
    expect(stream.told.filter((word) => word === 'open')).toEqual([]);
  });

  test('fails as its session does', async () => {
    const own = session();
    const server = serve({ header: HEADER });
    const stream = opened(upstreamAt([server.endpoint], own).upstream);
    await stream.until('open');
    stream.stream.write(Buffer.of(FORBIDDEN ^ MASK));
    await stream.until('close');
    expect((stream.error() as SessionError).status).toBe('ERR_AEAD');
    expect(own.disposed).toBe(1);
    await eventually('the far side to see the end', () => server.ended());
  });

  test('fails if the far side ends in the midst of a record', async () => {
    const own = {
      ...session(),
      openEnd() {
        throw new SessionError('ERR_TRUNCATED', 'cut');
      },
    };
    const server = serve({ farewell: Buffer.of(1) });
    const stream = opened(upstreamAt([server.endpoint], own).upstream);
    await stream.until('close');
    expect((stream.error() as SessionError).status).toBe('ERR_TRUNCATED');
  });
});
