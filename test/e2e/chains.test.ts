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
import { upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 10 * 2 ** 20;
const [HTTP, HTTPS, SOCKS, TUNNEL] = [3128, 3129, 1081, 8443];
/** Nobody listens at this port. */
const CLOSED = 4;
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
  test.each([
    ['an outer one that is not there', () => ({ ...https(), via: `socks5://${FAR.v4}:${CLOSED}` }), 'ERR_DIAL_REFUSED', /ECONNREFUSED/],
    ['one in http that is not there', () => ({ ...shadowsocks, port: CLOSED, via: http }), 'ERR_DIAL_UNREACHABLE', /answers 503/],
    ['one in socks5 that is not there', () => ({ ...shadowsocks, port: CLOSED, via: socks5 }), 'ERR_DIAL_REFUSED', /replies 5/],
    ['one with TLS in socks5 that is not there', () => ({ ...https(), port: CLOSED, via: socks5 }), 'ERR_DIAL_REFUSED', /socks5 .*replies 5/],
    ['one with TLS in shadowsocks that is not there', () => ({ ...https(), port: CLOSED, via: shadowsocks }), 'ERR_UPSTREAM_NO_ANSWER', /shadowsocks/],
    ['an outer one that wants other credentials', () => ({ ...shadowsocks, via: wrong }), 'ERR_PROXY_AUTH', /SOCKS5 .*credentials/],
    ['the same, of one with TLS', () => ({ ...tls(), via: wrong }), 'ERR_PROXY_AUTH', /SOCKS5 .*credentials/],
    ['an inner one that wants other credentials', () => ({ ...wrong, via: shareLink(FAR.v4) }), 'ERR_PROXY_AUTH', /SOCKS5 .*credentials/],
    ['an inner certificate that is not believed', () => ({ ...https(), tls: true, via: socks5 }), 'ERR_TLS_CERTIFICATE', /signed by nobody/],
  ] as const)('%s is told of', (_, upstream, status, reason) =>
    lab.withSnet(upstream(), async (snet) => {
      expect(await lab.endOf(snet, () => lab.fetch(url(ABROAD.v4)))).toEqual(['reset', status]);
      expect(snet.said()).toMatch(reason);
      expect(snet.said()).not.toContain('hunter2');
    }),
  ); // prettier-ignore

  test('whose inner server is dead is followed by another upstream', () =>
    lab.withSnet([{ ...shadowsocks, port: CLOSED, via: socks5 }, http], async (snet) => {
      expect(await lab.fetch(url(ABROAD.v4))).toBe('well');
      expect(await lab.fetch(url(ABROAD.v4))).toBe('well');
      await snet.says(/an upstream is down; others are used status=ERR_DIAL_REFUSED/);
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
