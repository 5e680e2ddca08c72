/** Messages of ours read by dig, and messages written, with compression, by knotd. All on loopback. */
import { expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '../../../src/net/address.ts';
import type { Question } from '../../../src/dns/question.ts';
import { composeAddresses, composeFailure, composeNegative } from '../../../src/dns/wire/compose.ts';
import { EDE, RCODE } from '../../../src/dns/wire/constants.ts';
import { answerEdns, withEdns, withoutEdns } from '../../../src/dns/wire/edns.ts';
import { readQuery } from '../../../src/dns/wire/query.ts';
import { layoutOf } from '../../../src/dns/wire/records.ts';
import { stripServiceParams } from '../../../src/dns/wire/svcb.ts';
import { fitted } from '../../../src/dns/wire/truncate.ts';
import { describeNeeding } from '../../needs.ts';

interface Served extends AsyncDisposable {
  readonly port: number;
}

/** Answers over TCP on 127.0.0.1, one query a connection. */
function serve(answer: (query: Uint8Array) => Promise<Uint8Array> | Uint8Array): Served {
  const received = new WeakMap<object, Buffer>();
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      async data(socket, bytes) {
        const all = Buffer.concat([received.get(socket) ?? Buffer.alloc(0), bytes]);
        received.set(socket, all);
        if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) return;
        const message = await answer(new Uint8Array(all.subarray(2)));
        socket.write(Buffer.concat([Uint8Array.of(message.length >> 8, message.length & 0xff), message]));
      },
    },
  });
  return {
    port: server.port,
    async [Symbol.asyncDispose]() {
      server.stop(true);
    },
  };
}

/** What dig prints. */
async function dig(port: number, ...args: readonly string[]): Promise<string> {
  const child = Bun.spawn(['dig', '@127.0.0.1', '-p', String(port), '+tcp', '+tries=1', ...args], {
    stdout: 'pipe',
    stderr: 'inherit',
    env: { ...process.env, HOME: '/nonexistent' },
  });
  const printed = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  expect(printed).not.toMatch(/WARNING|malformed|extra bytes|mismatch/i);
  return printed;
}

function read(query: Uint8Array): Question {
  const { question } = readQuery(query);
  if (!question) throw new Error('dig has asked what we can not read');
  return question;
}

describeNeeding(['dig'], 'dig reads', () => {
  test('addresses', async () => {
    const addresses = [parseAddress('192.0.2.1')!, parseAddress('192.0.2.2')!, parseAddress('::1')!];
    await using server = serve((query) => composeAddresses(query, read(query), addresses, 60));
    expect((await dig(server.port, '+short', 'a.Example')).split('\n')).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '',
    ]);
    expect(await dig(server.port, 'a.Example', 'AAAA')).toMatch(/^a\.Example\.\s+60\s+IN\s+AAAA\s+::1$/m);
    expect(await dig(server.port, '+noedns', 'a.Example', 'MX')).toMatch(
      /NOERROR[^]*ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 0/,
    );
  });

  test('NXDOMAIN with a SOA record and a reason', async () => {
    const ede = { code: EDE.BLOCKED, text: 'blocked by a list' };
    await using server = serve((query) =>
      composeNegative(query, read(query), RCODE.NXDOMAIN, { ttl: 30, ede }),
    );
    const printed = await dig(server.port, 'ads.example');
    expect(printed).toContain('status: NXDOMAIN');
    expect(printed).toMatch(/EDE: 15 \(Blocked\): \(blocked by a list\)/);
    expect(printed).toMatch(
      /^ads\.example\.\s+30\s+IN\s+SOA\s+ads\.example\. nobody\.invalid\. 1 3600 1200 604800 30$/m,
    );
  });

  test('failures, with and without EDNS, and of another version of it', async () => {
    await using server = serve((query) => {
      const { question, refuse } = readQuery(query);
      return composeFailure(query, question, refuse ?? RCODE.SERVFAIL, { code: EDE.NETWORK_ERROR });
    });
    expect(await dig(server.port, 'a.example')).toMatch(/status: SERVFAIL[^]*EDE: 23 \(Network Error\)/);
    expect(await dig(server.port, '+noedns', 'a.example')).toMatch(/status: SERVFAIL[^]*ADDITIONAL: 0/);
    expect(await dig(server.port, '+edns=1', '+noednsneg', 'a.example')).toContain('status: BADVERS');
    expect(await dig(server.port, '+opcode=notify', '+noedns', 'a.example')).toMatch(
      /opcode: NOTIFY, status: NOTIMP/,
    );
  });

  test('a message that was cut to fit', async () => {
    const addresses = Array.from({ length: 100 }, (_, i) => parseAddress(`192.0.2.${i}`)!);
    await using server = serve((query) => fitted(composeAddresses(query, read(query), addresses, 60), 512));
    expect(await dig(server.port, 'a.example')).toMatch(/flags: qr tc[^]*ANSWER: 29,[^]*192\.0\.2\.28\n/);
  });
});

const ZONE = `
$ORIGIN example.
$TTL 300
@         SOA ns1 admin 1 3600 1200 604800 60
          NS ns1
          NS ns2
          MX 10 mail
          TXT "some text"
          HTTPS 1 . alpn=h2,h3 port=443 ech=AEj+DQBEAQ== ipv4hint=192.0.2.1
          NAPTR 10 10 "u" "E2U+sip" "" www
ns1       A 192.0.2.53
ns2       AAAA 2001:db8::53
mail      A 192.0.2.25
svc       SVCB 1 mail alpn=h3 no-default-alpn port=8443
www       CNAME cdn.www
cdn.www   CNAME edge.cdn.www
edge.cdn.www A 192.0.2.2
          HTTPS 2 edge.www alpn=h3,h2
edge.www  AFSDB 1 ns1
_x._tcp   SRV 0 0 443 www
          SRV 0 0 443 edge.cdn.www
ptr       PTR www
`;

/** An address of loopback for this process alone: tests may run at the same time. */
const KNOT = { hostname: `127.53.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}`, port: 5300 };

async function startKnot(): Promise<AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'snet-knot-'));
  const file = (name: string) => join(directory, name);
  await writeFile(file('example.zone'), ZONE);
  await writeFile(
    file('knot.conf'),
    [
      `server:\n  rundir: ${directory}\n  listen: ${KNOT.hostname}@${KNOT.port}`,
      `database:\n  storage: ${directory}`,
      'log:\n  - target: stdout\n    any: info',
      'acl:\n  - id: any\n    action: transfer',
      `zone:\n  - domain: example.\n    file: ${file('example.zone')}\n    acl: any`,
    ].join('\n'),
  );
  const knotd = Bun.spawn(['knotd', '-c', file('knot.conf')], { stdout: 'pipe', stderr: 'inherit' });
  let said = '';
  const decoder = new TextDecoder();
  for await (const chunk of knotd.stdout) {
    said += decoder.decode(chunk, { stream: true });
    if (said.includes('server started')) break;
  }
  if (!said.includes('server started')) throw new Error(`knotd: ${said}`);
  return {
    async [Symbol.asyncDispose]() {
      knotd.kill();
      await knotd.exited;
      await rm(directory, { recursive: true });
    },
  };
}

/** knotd's answer to a query. */
function askKnot(query: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let received = Buffer.alloc(0);
  Bun.connect({
    ...KNOT,
    socket: {
      open(socket) {
        socket.write(Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 0xff), query]));
      },
      data(socket, bytes) {
        received = Buffer.concat([received, bytes]);
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
        resolve(new Uint8Array(received.subarray(2)));
        socket.end();
      },
    },
  }).catch(reject);
  return promise;
}

/** The records that dig prints, in its words. */
function records(printed: string): string[] {
  return printed.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
}

describeNeeding(['dig', 'knotd'], 'what knotd has written, changed by us, dig reads', () => {
  const TRANSFER = ['example', 'AXFR', '+nocookie'];
  const must = (message: Uint8Array | undefined): Uint8Array => {
    if (!message) throw new Error('malformed?');
    return message;
  };

  test('a whole zone in one message, which has compressed names of many types', async () => {
    await using _knot = await startKnot();
    await using plain = serve(askKnot);
    const before = records(await dig(plain.port, ...TRANSFER));
    const written = ZONE.split('\n').filter((line) => line !== '' && !line.startsWith('$'));
    // A transfer ends with the SOA record that it began with.
    expect(before).toHaveLength(written.length + 1);

    let pointers = 0;
    await using stripping = serve(async (query) => {
      const answer = await askKnot(query);
      pointers = layoutOf(answer)!.records.filter(({ at }) => answer[at]! >= 0xc0).length;
      return must(stripServiceParams(answer, ['ech', 'h3']));
    });
    const after = records(await dig(stripping.port, ...TRANSFER));
    expect(pointers).toBeGreaterThan(10);
    expect(after).toEqual(
      before.map((line) =>
        line
          .replace(/ ech=\S+/, '')
          .replace('alpn="h3" no-default-alpn ', '')
          .replace(/alpn="(?:h2,h3|h3,h2)"/, 'alpn="h2"'),
      ),
    );
    expect(after.filter((line) => /h3|ech=/.test(line))).toEqual([]);
  });

  test('answers with our OPT record in the place of its own, or with none', async () => {
    await using _knot = await startKnot();
    await using plain = serve(askKnot);
    await using passing = serve(async (query) => {
      const answer = await askKnot(withEdns(query, { dnssecOk: false, padding: 128 }));
      return must(answerEdns(answer, read(query).edns));
    });
    await using bare = serve(async (query) =>
      must(withoutEdns(await askKnot(withEdns(query, { dnssecOk: true })))),
    );
    const ask = ['+norec', '+nocookie'];
    for (const name of [
      'example MX',
      'www.example A',
      '_x._tcp.example SRV',
      'none.example A',
      'example HTTPS',
    ]) {
      const question = name.split(' ');
      const expected = records(await dig(plain.port, ...ask, ...question));
      const passed = await dig(passing.port, ...ask, ...question);
      const without = await dig(bare.port, ...ask, '+noedns', ...question);
      expect(expected.length).toBeGreaterThan(0);
      expect(records(passed)).toEqual(expected);
      expect(passed).toMatch(/EDNS: version: 0, flags:; udp: 1232/);
      expect(records(without)).toEqual(expected);
      expect(without).not.toContain('EDNS');
    }
  });
});
