/** An upstream through another one. Who the origin sees, and what all on the way have in their logs, tells the way. */
import { describe, expect, test } from 'bun:test';
import { startDownload } from '../lab/download.ts';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { uploadLate } from '../lab/late_upload.ts';
import { startMicrosocks, startSquid } from '../lab/proxies.ts';
import { start, type Program } from '../lab/program.ts';
import { HTTP10_BODY, PORTS } from '../lab/services.ts';
import { startSnetServer } from '../lab/snet.ts';
import { SERVER, shareLink, startHalfClosingServer, startServer } from '../lab/upstream.ts';
import { LOGIN } from '../lab/upstream_kinds.ts';
import { startListener, upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 10 * 2 ** 20;
const [HTTP, HTTPS, SOCKS, TUNNEL] = [3128, 3129, 1081, 8443];
/** Nobody listens at this port. */
const CLOSED = 4;
/** Who listens here says nothing. */
const MUTE = 5;
/** Nobody has this address. */
const NOBODY = '193.0.6.250';
const TOKEN = 'a token';
const NEEDS = [
  'root',
  'ip',
  'curl',
  'nc',
  'nft',
  'ss',
  'openssl',
  'sha256sum',
  'squid',
  'microsocks',
  'ss-server',
];

describeNeeding(NEEDS, 'a chain', () => {
  let sha256: string;
  let squid: Awaited<ReturnType<typeof startSquid>>;
  let microsocks: Program;
  let tunnel: Program;
  const lab = upstreamsForAll(async ({ internet: { far }, folder, identity, shell }, undo) => {
    const also = { port: HTTPS, identity };
    squid = undo.use(await startSquid(far, { folder: folder.path, port: HTTP, also }));
    microsocks = undo.use(await startMicrosocks(far, { port: SOCKS, login: LOGIN }));
    undo.use(await startServer(far));
    const { certificate: cert, key } = identity;
    const listener = { type: 'tls', listen: String(TUNNEL), token: TOKEN, cert, key };
    const server = { server: { listeners: [listener], ports: '1-65535' }, log: { level: 'debug' } };
    await Bun.write(folder.file('far.json'), JSON.stringify(server));
    tunnel = undo.use(await startSnetServer(far, ['-c', folder.file('far.json')]));
    sha256 = (await shell(`head -c ${BULK} /dev/urandom | tee ${folder.file('bulk')} | sha256sum`)).slice(
      0,
      64,
    );
  });

  const at = (port: number) => ({ server: FAR.v4, port });
  const shadowsocks = { ...SERVER, ...at(SERVER.port), type: 'shadowsocks' };
  const http = `http://${FAR.v4}:${HTTP}`;
  const socks5 = { type: 'socks5', ...LOGIN, ...at(SOCKS) };
  const pinned = () => ({ pin: lab.identity.pin });
  const https = () => ({ type: 'http', ...at(HTTPS), tls: pinned() });
  const tls = () => ({ type: 'tls', ...at(TUNNEL), token: TOKEN, tls: pinned() });

  const logs = {
    squid: () => squid.log(),
    microsocks: async () => microsocks.said(),
    tunnel: async () => tunnel.said(),
  };
  interface Chain {
    readonly name: string;
    readonly upstream: () => object;
    /** What has to stand in whose log afterwards. */
    readonly witnesses: Partial<Record<keyof typeof logs, string>>;
  }
  const connect = (port: number, host = FAR.v4) => `CONNECT ${host}:${port} `;
  const connected = (port: number, host = FAR.v4) => `connected to ${host}:${port}`;
  const CHAINS: readonly Chain[] = [
    {
      name: 'shadowsocks in http',
      upstream: () => ({ ...shadowsocks, via: http }),
      witnesses: { squid: connect(SERVER.port) },
    },
    {
      name: 'shadowsocks in https',
      upstream: () => ({ ...shadowsocks, via: https() }),
      witnesses: { squid: connect(SERVER.port) },
    },
    {
      name: 'socks5 in http',
      upstream: () => ({ ...socks5, via: http }),
      witnesses: { squid: connect(SOCKS), microsocks: connected(80, ABROAD.v4) },
    },
    {
      name: 'https in socks5',
      upstream: () => ({ ...https(), via: socks5 }),
      witnesses: { microsocks: connected(HTTPS), squid: connect(80, ABROAD.v4) },
    },
    {
      name: 'tls in socks5',
      upstream: () => ({ ...tls(), via: socks5 }),
      witnesses: { microsocks: connected(TUNNEL), tunnel: ` target=${ABROAD.v4}:80 ` },
    },
    {
      name: 'socks5 in shadowsocks',
      upstream: () => ({ ...socks5, via: shareLink(FAR.v4) }),
      witnesses: { microsocks: connected(80, ABROAD.v4) },
    },
    {
      name: 'https in shadowsocks',
      upstream: () => ({ ...https(), via: shareLink(FAR.v4) }),
      witnesses: { squid: connect(80, ABROAD.v4) },
    },
    {
      name: 'https in https in http',
      upstream: () => ({ ...https(), via: { ...https(), via: http } }),
      witnesses: { squid: connect(HTTPS) },
    },
  ];

  test.each([...CHAINS])('$name carries 10 MB each way', async ({ upstream, witnesses }) => {
    const names = Object.keys(witnesses) as (keyof typeof logs)[];
    const before = await Promise.all(names.map(async (name) => (await logs[name]()).length));
    await lab.withSnet(upstream(), async () => {
      expect((await lab.shell(`curl -sS ${url(ABROAD.v4)}`)).trim()).toBe(FAR.v4);
      const up = await lab.shell(`curl -sS -T ${lab.folder.file('bulk')} ${url(ABROAD.v4, 'sink')}`);
      expect(up.trim()).toBe(sha256);
      expect(await lab.shell(`curl -sS ${url(ABROAD.v6, `bulk/${BULK}`)} | wc -c`)).toBe(`${BULK}\n`);
    });
    for (const [i, name] of names.entries())
      await eventually(`${name} to say so`, async () =>
        (await logs[name]()).slice(before[i]).includes(witnesses[name]!),
      );
  });

  const wrong = { ...socks5, password: 'hunter2' };
  /** Labels, as the log has them. */
  const hop = {
    http: (port = HTTP) => `http ${FAR.v4}:${port}`,
    https: (port = HTTPS) => `https ${FAR.v4}:${port}`,
    socks5: (port = SOCKS) => `socks5 ${FAR.v4}:${port}`,
    shadowsocks: (port = SERVER.port) => `shadowsocks ${FAR.v4}:${port} ${SERVER.method}`,
    tls: (port = TUNNEL) => `tls ${FAR.v4}:${port}`,
  };
  interface Failing {
    readonly name: string;
    readonly upstream: () => object;
    readonly status: string;
    /** What the log's reason begins with, and what is in it. */
    readonly hop: string;
    readonly says: RegExp;
  }
  const FAILING: readonly Failing[] = [
    {
      name: 'an outer one that is not there',
      upstream: () => ({ ...https(), via: `socks5://${FAR.v4}:${CLOSED}` }),
      status: 'ERR_DIAL_REFUSED',
      hop: hop.socks5(CLOSED),
      says: /ECONNREFUSED/,
    },
    {
      name: 'the same of one without TLS',
      upstream: () => ({ ...shadowsocks, via: `socks5://${FAR.v4}:${CLOSED}` }),
      status: 'ERR_DIAL_REFUSED',
      hop: hop.socks5(CLOSED),
      says: /ECONNREFUSED/,
    },
    {
      name: 'one in http that is not there',
      upstream: () => ({ ...shadowsocks, port: CLOSED, via: http }),
      status: 'ERR_DIAL_UNREACHABLE',
      hop: hop.shadowsocks(CLOSED),
      says: /: not reached: http .*answers 503/,
    },
    {
      name: 'one in socks5 that is not there',
      upstream: () => ({ ...shadowsocks, port: CLOSED, via: socks5 }),
      status: 'ERR_DIAL_REFUSED',
      hop: hop.shadowsocks(CLOSED),
      says: /: not reached: socks5 .*replies 5/,
    },
    {
      name: 'one with TLS in socks5 that is not there',
      upstream: () => ({ ...https(), port: CLOSED, via: socks5 }),
      status: 'ERR_DIAL_REFUSED',
      hop: hop.https(CLOSED),
      says: /: not reached: socks5 .*replies 5/,
    },
    {
      name: 'one in the middle that is not there',
      upstream: () => ({ ...https(), via: { ...socks5, port: CLOSED, via: http } }),
      status: 'ERR_DIAL_UNREACHABLE',
      hop: hop.socks5(CLOSED),
      says: /: not reached: http .*answers 503/,
    },
    {
      name: 'one with TLS in shadowsocks that is not there, or a password that is wrong',
      upstream: () => ({ ...https(), port: CLOSED, via: shadowsocks }),
      status: 'ERR_UPSTREAM_NO_ANSWER',
      hop: `at ${hop.shadowsocks()} or ${hop.https(CLOSED)}`,
      says: /closed without an answer/,
    },
    {
      name: 'one in shadowsocks that is not there, or a password that is wrong',
      upstream: () => ({ ...socks5, port: CLOSED, via: shadowsocks }),
      status: 'ERR_PROXY_CLOSED',
      hop: `${hop.shadowsocks()} or ${hop.socks5(CLOSED)}`,
      says: /closed/,
    },
    {
      name: 'a target of shadowsocks in shadowsocks that is not there',
      upstream: () => ({ ...shadowsocks, port: CLOSED, via: shadowsocks }),
      status: 'ERR_UPSTREAM_NO_ANSWER',
      hop: `at ${hop.shadowsocks()} or ${hop.shadowsocks(CLOSED)}`,
      says: /closed without an answer/,
    },
    {
      name: 'an outer one that wants other credentials',
      upstream: () => ({ ...shadowsocks, via: wrong }),
      status: 'ERR_PROXY_AUTH',
      hop: hop.socks5(),
      says: /SOCKS5 .*credentials/,
    },
    {
      name: 'the same, of one with TLS',
      upstream: () => ({ ...tls(), via: wrong }),
      status: 'ERR_PROXY_AUTH',
      hop: hop.socks5(),
      says: /SOCKS5 .*credentials/,
    },
    {
      name: 'an inner one that wants other credentials',
      upstream: () => ({ ...wrong, via: shareLink(FAR.v4) }),
      status: 'ERR_PROXY_AUTH',
      hop: hop.socks5(),
      says: /SOCKS5 .*credentials/,
    },
    {
      name: 'one in the middle that wants other credentials',
      upstream: () => ({ ...https(), via: { ...wrong, via: http } }),
      status: 'ERR_PROXY_AUTH',
      hop: hop.socks5(),
      says: /SOCKS5 .*credentials/,
    },
    {
      name: 'an inner certificate that is not believed',
      upstream: () => ({ ...https(), tls: true, via: socks5 }),
      status: 'ERR_TLS_CERTIFICATE',
      hop: hop.https(),
      says: /signed by nobody/,
    },
    {
      name: 'an outer certificate that is not believed',
      upstream: () => ({ ...socks5, via: { ...https(), tls: true } }),
      status: 'ERR_TLS_CERTIFICATE',
      hop: hop.https(),
      says: /signed by nobody/,
    },
    {
      name: 'a certificate in the middle that is not believed',
      upstream: () => ({ ...tls(), via: { ...https(), tls: true, via: socks5 } }),
      status: 'ERR_TLS_CERTIFICATE',
      hop: hop.https(),
      says: /signed by nobody/,
    },
    {
      name: 'an inner one that speaks no TLS',
      upstream: () => ({ ...https(), port: HTTP, via: socks5 }),
      status: 'ERR_TLS',
      hop: hop.https(HTTP),
      says: /TLS/,
    },
    {
      name: 'an outer one that speaks something else',
      upstream: () => ({ ...shadowsocks, via: { type: 'http', ...at(SOCKS) } }),
      status: 'ERR_PROTOCOL',
      hop: hop.http(SOCKS),
      says: /is not HTTP/,
    },
    {
      name: 'an outer one that keeps silent',
      upstream: () => ({ ...shadowsocks, via: { type: 'socks5', ...at(MUTE) } }),
      status: 'ERR_PROXY_TIMEOUT',
      hop: `at ${hop.socks5(MUTE)}`,
      says: /did not answer our request in time/,
    },
    {
      name: 'an inner one that keeps silent',
      upstream: () => ({ type: 'http', ...at(MUTE), via: socks5 }),
      status: 'ERR_PROXY_TIMEOUT',
      hop: `at ${hop.http(MUTE)}`,
      says: /did not answer our request in time/,
    },
    {
      name: 'one in shadowsocks that keeps silent, or shadowsocks itself',
      upstream: () => ({ ...socks5, port: MUTE, via: shadowsocks }),
      status: 'ERR_PROXY_TIMEOUT',
      hop: `at ${hop.shadowsocks()} or ${hop.socks5(MUTE)}`,
      says: /did not answer our request in time/,
    },
    {
      name: 'an inner one with TLS that keeps silent',
      upstream: () => ({ ...https(), port: MUTE, via: socks5 }),
      status: 'ERR_DIAL_TIMEOUT',
      hop: `at ${hop.https(MUTE)}`,
      says: /did not answer in time/,
    },
    {
      name: 'an outer one of one with TLS that keeps silent',
      upstream: () => ({ ...https(), via: { type: 'http', ...at(MUTE) } }),
      status: 'ERR_(DIAL|PROXY)_TIMEOUT',
      hop: `at ${hop.http(MUTE)}`,
      says: /did not answer/,
    },
  ];
  test.each([...FAILING])('$name is told of, and where', async (failing) => {
    await using _mute = await startListener(lab.internet, MUTE, `exec nc -lkd ${MUTE}`);
    const body = async (snet: Program) => {
      const [fate, status] = await lab.endOf(snet, () => lab.fetch(url(ABROAD.v4)));
      expect(fate).toBe('reset');
      expect(status).toMatch(new RegExp(`^${failing.status}$`));
      const line = snet
        .said()
        .split('\n')
        .find((text) => text.includes(` status=${status} destination=`))!;
      expect(line.split(' reason="')[1]).toStartWith(failing.hop);
      expect(line).toMatch(failing.says);
      expect(snet.said()).not.toContain('hunter2');
    };
    await lab.withSnet(failing.upstream(), body, { timeouts: { dial: '700ms' } });
  });

  test('says of whom of it nothing is heard', async () => {
    const inner = { ...shadowsocks, password: 'hunter2' };
    const body = async (snet: Program) => {
      const targets = [ABROAD.v4, ABROAD.v6, NOBODY];
      for (const fate of await Promise.all(targets.map((target) => lab.fetch(url(target)))))
        expect(fate).toBe('reset');
      await snet.says(new RegExp(`status=ERR_UPSTREAM_SILENT .*hop="${hop.shadowsocks()}"`));
    };
    await lab.withSnet({ ...inner, via: socks5 }, body, { timeouts: { idle: '1s' } });
  });

  test('whose inner server is dead is followed by another upstream', () =>
    lab.withSnet([{ ...shadowsocks, port: CLOSED, via: socks5 }, http], async (snet) => {
      expect(await lab.fetch(url(ABROAD.v4))).toBe('well');
      expect(await lab.fetch(url(ABROAD.v4))).toBe('well');
      const words = 'an upstream is down; others are used status=ERR_DIAL_REFUSED';
      await snet.says(new RegExp(`${words} hop="${hop.shadowsocks(CLOSED)}" `));
    }));

  test('with TLS in it passes on the end of one direction', async () => {
    // Of ss-server, it would be the end of both.
    const port = SERVER.port + 1;
    await using _outer = await startHalfClosingServer(lab.internet.far, port);
    await lab.withSnet({ ...tls(), via: { ...shadowsocks, port } }, async () => {
      const old = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 9 nc -N ${ABROAD.v6} ${PORTS.http10}`;
      expect(await lab.shell(old)).toEndWith(HTTP10_BODY);
      await uploadLate(lab.internet, lab.folder, 1_000_000);
    });
  });

  test('with TLS in it goes on under a configuration that has another', () =>
    lab.withSnet({ ...tls(), via: socks5 }, async (snet) => {
      await using drip = start(lab.internet.client, ['nc', ABROAD.v4, String(PORTS.drip)]);
      await drip.says(/\./);
      await lab.configure(http);
      snet.signal('SIGHUP');
      await snet.says(/ reloaded /);
      const dots = drip.stdout().length;
      expect((await lab.shell(`curl -sS ${url(ABROAD.v6)}`)).trim()).toBe(FAR.v6);
      await eventually('more of the old one', () => drip.stdout().length > dots + 3);
    }));

  describe('whose outer one dies tells programs', () => {
    const port = 1082;
    const startOuter = { socks5: startMicrosocks, shadowsocks: startServer };
    const outer = {
      socks5: { type: 'socks5', ...at(port) },
      shadowsocks: { ...shadowsocks, port },
    };
    test.each([
      ['shadowsocks in socks5', 'socks5', () => shadowsocks],
      ['tls in socks5', 'socks5', tls],
      ['socks5 in shadowsocks', 'shadowsocks', () => socks5],
      ['https in shadowsocks', 'shadowsocks', https],
    ] as const)('%s', async (_, kind, inner) => {
      const dying = await startOuter[kind](lab.internet.far, { ...SERVER, port });
      await lab.withSnet({ ...inner(), via: outer[kind] }, async () => {
        await using download = await startDownload(lab.internet.client);
        await dying[Symbol.asyncDispose]();
        // 56: reset. 18: an end before its time, since the kernel ends what a dead program has read all of.
        expect([18, 56]).toContain((await download.ended())!);
      });
    });
  });
});
