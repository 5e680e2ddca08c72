/** Through TLS, against what the Go program does at either end: its server reads by records, its client writes such. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { Secret } from '../../../src/base/secret.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { formatTarget, type Target } from '../../../src/net/target.ts';
import { createTlsClient } from '../../../src/upstream/tls/create.ts';
import { tlsTunnels, tlsTunnelServer } from '../../../src/upstream/tunnel/tunnel.ts';
import { createCertificates, NAME, type Certificates } from '../../dns/exchange/certificates.ts';
import { eventually } from '../../lab/eventually.ts';
import { describeNeeding } from '../../needs.ts';
import { Client, loopback, relayTo } from '../../relay/harness.ts';
import vectors from '../../vectors/tunnel.json';
import { pattern, through } from '../shadowsocks/ends.ts';
import { inRecords, oldServer, startSplice } from './old_program.ts';

const TOKEN = 'correct horse';
const TARGETS: readonly Target[] = [
  { address: parseAddress('1.2.3.4')!, port: 443 },
  { address: parseAddress('2001:db8::1')!, port: 80 },
  { name: 'origin.example', port: 65_535 },
];

describe('the old server', () => {
  const header = vectors.headers[1]!;
  const whole = Buffer.from(header.records.join(''), 'hex');

  test('takes what the old client sends, and a header in one record with bytes behind it', () => {
    const to = `${header.host}:${header.port}`;
    const apart = header.records.map((record) => Buffer.from(record, 'hex'));
    expect(oldServer([...apart, Buffer.from('hello')], TOKEN)).toEqual({ to, rest: Buffer.from('hello') });
    expect(oldServer([Buffer.concat([whole, Buffer.from('hello')])], TOKEN)).toEqual({
      to,
      rest: Buffer.from('hello'),
    });
  });

  test('breaks on a record that ends within a field', () => {
    const ends = header.records.map((_, i) => header.records.slice(0, i + 1).join('').length / 2);
    for (let cut = 1; cut < whole.length; cut++) {
      let to = '';
      try {
        ({ to } = oldServer([whole.subarray(0, cut), whole.subarray(cut)], TOKEN));
      } catch {
        to = 'refused';
      }
      expect(to === `${header.host}:${header.port}`).toBe(ends.includes(cut));
    }
  });
});

describeNeeding(['openssl'], 'the tunnel', () => {
  let certificates: Certificates;
  let identity: { readonly cert: string; readonly key: string };
  let caPem = '';
  beforeAll(async () => {
    certificates = await createCertificates();
    const text = (path: string) => readFileSync(path, 'utf8');
    identity = { cert: text(certificates.certificate('good')), key: text(certificates.key('good')) };
    caPem = text(certificates.authority);
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  /** Keeps what it hears, and says `220` to whoever has sent something. */
  const listen = () => {
    const heard: Uint8Array[] = [];
    const versions: string[] = [];
    const server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      tls: identity,
      socket: {
        handshake: (socket) => void versions.push(socket.getTLSVersion()),
        data(socket, chunk) {
          heard.push(Uint8Array.from(chunk));
          if (heard.length === 1) socket.write('220');
        },
      },
    });
    return {
      port: server.port,
      versions,
      heard: () => Buffer.concat(heard),
      [Symbol.dispose]: () => server.stop(true),
    };
  };

  const cases = TARGETS.flatMap((target) =>
    [0, 1, 500, 16_000, 100_000].map((size) => [formatTarget(target), size, target] as const),
  );
  test.each(cases)('to %s, with %d bytes: the old server understands it', async (name, size, target) => {
    const payload = pattern(size);
    using server = listen();
    using splice = await startSplice(server.port);
    const tunnels = tlsTunnels(new Secret(TOKEN));
    const tls = createTlsClient({ host: NAME, pins: [], insecure: false, caPem });
    using relay = relayTo([loopback(splice.port)], { tls, session: () => tunnels(target).session! });
    const client = new Client(relay.port);
    if (size > 0) (await client.socket).write(payload);
    const header = through(tunnels(target).session!, 'seal', new Uint8Array(0));
    const length = header.length + size;
    await eventually('all to arrive', () => server.heard().length >= length && client.text === '220');
    expect(server.versions).toEqual(['TLSv1.3']);

    const [, ...sizes] = splice.records;
    const { to, rest } = oldServer(inRecords(server.heard(), sizes), TOKEN);
    expect(to).toBe(name);
    expect(Buffer.compare(rest, payload)).toBe(0);
    // Nobody who looks on sees a header that is a record of its own, unless the client says nothing.
    if (size > 0) expect(sizes[0]).toBeGreaterThan(header.length);
  });

  test.each([
    ['at once', 0],
    ['bit by bit', 5],
  ])('the old client, which sends each field as a record, %s', async (_, pause) => {
    for (const { token, host, port, records } of vectors.headers) {
      const session = tlsTunnelServer(new Map([['somebody', new Secret(token)]]))();
      let plain = '';
      using server = Bun.listen({
        hostname: '127.0.0.1',
        port: 0,
        tls: identity,
        socket: {
          data(_, chunk) {
            plain += Buffer.from(through(session, 'open', chunk)).toString();
          },
        },
      });
      using splice = await startSplice(server.port);
      const socket = connect({ port: splice.port, host: '127.0.0.1', servername: NAME, ca: caPem });
      await new Promise<void>((resolve) => socket.once('secureConnect', resolve));
      for (const record of [...records, Buffer.from('hello').toString('hex')]) {
        socket.write(Buffer.from(record, 'hex'));
        if (pause > 0) await Bun.sleep(pause);
      }
      await eventually('what is behind the header', () => plain === 'hello');
      expect(session.target).toEqual({ address: parseAddress(host)!, port });
      expect(session.user).toBe('somebody');
      if (pause > 0) expect(splice.records.slice(1)).toEqual([...records.map((hex) => hex.length / 2), 5]);
      socket.destroy();
      server.stop(true);
    }
  });
});
