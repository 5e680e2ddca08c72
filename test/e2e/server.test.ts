/** `snet server` in the small Internet: clients that nobody here wrote, and our own; where they may go; how it ends. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createCertificates, type Certificates } from '../dns/exchange/certificates.ts';
import { startDnsmasq } from '../lab/dnsmasq.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA, FAR, transferSeen, url } from '../lab/internet.ts';
import { keyOf, statusOf, ZONES } from '../lab/far_end_of_snet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { openDescriptors } from '../lab/proc.ts';
import { start, type Program } from '../lab/program.ts';
import { HTTP10_BODY, PORTS } from '../lab/services.ts';
import { beside, startSnetServer } from '../lab/snet.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 100 * 1024 * 1024;
const PASSWORD = 'päss:word/@';
const [PORT, SOCKS, REDIR] = ['8388', '1080', '1082'];

const NEEDS = ['root', 'ip', 'curl', 'nc', 'nft', 'dnsmasq', 'ss-local', 'ss-redir', 'sha256sum', 'openssl'];

describeNeeding(NEEDS, 'snet server', () => {
  const folder = folderForAll();
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startDnsmasq(far, { listen: ['127.0.0.1'], zones: ZONES }));
    await far.resolveAt('127.0.0.1');
  });
  const shell = (script: string) => internet.client.must(['sh', '-c', script]);

  /** Runs `body` beside the far end, which has as many descriptors open afterwards as before, and ends with code 0. */
  async function withServer(
    args: readonly string[],
    body: (server: Program) => Promise<void>,
    env: Record<string, string> = { SNET_PASSWORD: PASSWORD },
  ): Promise<void> {
    await using server = await startSnetServer(internet.far, args, { env });
    const before = openDescriptors(server.pid);
    try {
      await body(server);
      // Whoever looks up names keeps something open.
      await eventually('no more open descriptors', () => openDescriptors(server.pid) <= before + 4);
    } catch (error) {
      throw new Error(`the server said:\n${server.said()}`, { cause: error });
    }
    server.signal('SIGTERM');
    expect(await server.ended()).toBe(0);
    expect(server.said()).not.toInclude('ERR_INTERNAL');
    expect(server.said()).not.toInclude(PASSWORD);
  }

  const serves = (method: string, ...more: readonly string[]) => {
    return ['--method', method, '--listen', PORT, '--ports', '1-65535', ...more];
  };

  async function startLocal(method: string, password = PASSWORD, host: string = FAR.v4): Promise<Program> {
    const server = ['-s', host, '-p', PORT, '-m', method, '-k', password, '-t', '60'];
    const argv = ['ss-local', ...server, '-b', '127.0.0.1', '-l', SOCKS];
    const local = start(internet.client, argv);
    await local.says(/listening at/);
    return local;
  }

  const curl = (target: string, ...more: readonly string[]) =>
    internet.client.run([
      'curl',
      '-sS',
      '-m',
      '8',
      '--socks5-hostname',
      `127.0.0.1:${SOCKS}`,
      ...more,
      target,
    ]);

  describe.each([
    'aes-128-gcm',
    'aes-192-gcm',
    'aes-256-gcm',
    'chacha20-ietf-poly1305',
    'xchacha20-ietf-poly1305',
  ])('with ss-local and %s', (method) => {
    test('connects to both families, and to names', () =>
      withServer(serves(method), async () => {
        await using _local = await startLocal(method, PASSWORD, FAR.v6);
        expect((await curl(url(ABROAD.v4))).stdout).toBe(`${FAR.v4}\n`);
        expect((await curl(url(ABROAD.v6))).stdout).toBe(`${FAR.v6}\n`);
        expect((await curl('http://origin.test/')).stdout).toMatch(/^(151\.101\.1\.6|2a04:4e42::6)\n$/);
        expect((await curl('http://only6.test/')).stdout).toBe(`${FAR.v6}\n`);
      }));
  });

  test('carries 100 MB each way for ss-local, unharmed', () =>
    withServer(serves('aes-256-gcm'), async () => {
      await using _local = await startLocal('aes-256-gcm');
      const through = `curl -sS --socks5-hostname 127.0.0.1:${SOCKS}`;
      const down = hashOf(await shell(`${through} ${url(ABROAD.v6, `bulk/${BULK}`)} | sha256sum`));
      expect(await transferSeen(internet, PORTS.http, BULK)).toMatchObject({ peer: FAR.v6, sha256: down });
      const file = folder.file('bulk');
      await shell(`head -c ${BULK} /dev/urandom >${file}`);
      const up = (await shell(`${through} -T ${file} ${url(ABROAD.v4, 'sink')}`)).trim();
      expect(up).toBe(
        createHash('sha256')
          .update(await readFile(file))
          .digest('hex'),
      );
    }));

  test('serves ss-redir', () =>
    withServer(serves('chacha20-ietf-poly1305'), async () => {
      await using redir = start(internet.client, [
        'ss-redir',
        '-s',
        FAR.v4,
        '-p',
        PORT,
        '-b',
        '127.0.0.1',
        '-l',
        REDIR,
        '-m',
        'chacha20-ietf-poly1305',
        '-k',
        PASSWORD,
      ]);
      await redir.says(/listening at/);
      const rule = `ip daddr { ${ABROAD.v4}, ${CHINA.v4} } tcp dport 80 redirect to :${REDIR}`;
      const table = `table ip redir {\nchain out {\ntype nat hook output priority -100\n${rule}\n}\n}\n`;
      await internet.client.must(['nft', '-f', '-'], { stdin: table });
      try {
        expect(await shell(`curl -sS -m 8 ${url(ABROAD.v4)}`)).toBe(`${FAR.v4}\n`);
        const sum = hashOf(await shell(`curl -sS ${url(CHINA.v4, 'bulk/20000003')} | sha256sum`));
        expect(await transferSeen(internet, PORTS.http, 20_000_003)).toMatchObject({ sha256: sum });
      } finally {
        await internet.client.must(['nft', 'delete table ip redir']);
      }
    }));

  test('who has a wrong password is left waiting, and the log says so', () =>
    withServer(serves('aes-256-gcm'), async (server) => {
      await using _local = await startLocal('aes-256-gcm', 'wrong');
      const { code } = await curl(url(ABROAD.v4), '-m', '2');
      // Operation timed out (curl's EXIT CODES).
      expect(code).toBe(28);
      await server.says(/warn .*does not know the password.* status=ERR_AEAD client=192\.168\.7\.2 /);
    }));

  describe('where clients may go', () => {
    test.each([
      ['loopback', 'http://127.0.0.1:9999/'],
      ['loopback of IPv6', 'http://[::1]:9999/'],
      ['loopback as mapped IPv6', 'http://[::ffff:127.0.0.1]:9999/'],
      ['loopback by name', 'http://loop.test:9999/'],
      ['loopback by name, IPv6', 'http://loop6.test:9999/'],
      ['loopback by name, mapped', 'http://mapped.test:9999/'],
      ['loopback by a number', 'http://2130706433:9999/'],
      ['another network', 'http://192.168.7.2:9999/'],
      ['another network by name', 'http://lan.test:9999/'],
      ['all addresses', 'http://0.0.0.0:9999/'],
    ])('not to %s', (_, target) =>
      withServer(serves('aes-256-gcm'), async (server) => {
        await using witness = await witnessOn(9999);
        await using _local = await startLocal('aes-256-gcm');
        const { code, stdout } = await curl(target);
        expect({ refused: code !== 0, stdout }).toEqual({ refused: true, stdout: '' });
        await server.says(
          /refused a target status=ERR_FORBIDDEN user=.* client=192\.168\.7\.2 target=\S+:9999 /,
        );
        expect(witness.said()).not.toInclude('came');
      }),
    );

    test('but where it is allowed', () =>
      withServer(serves('aes-256-gcm', '--allow-private'), async () => {
        await using witness = await witnessOn(9999);
        await using _local = await startLocal('aes-256-gcm');
        await curl('http://loop.test:9999/', '-m', '2');
        expect(witness.said()).toInclude('came');
      }));

    test('of a name that is private, too, only where it is not', () =>
      withServer(serves('aes-256-gcm'), async () => {
        await using witness = await witnessOn(80);
        await using _local = await startLocal('aes-256-gcm');
        for (let i = 0; i < 3; i++) expect((await curl('http://mixed.test/')).stdout).toBe(`${FAR.v4}\n`);
        expect(witness.said()).not.toInclude('came');
      }));

    test('of a name whose first address is dead, at the next', () =>
      withServer(serves('aes-256-gcm'), async () => {
        await using _local = await startLocal('aes-256-gcm');
        expect((await curl('http://dead.test/')).stdout).toBe(`${FAR.v4}\n`);
      }));

    test('not to ports that are not named, nor to the server itself', () =>
      withServer(['--method', 'aes-256-gcm', '--listen', PORT, '--ports', `80,${PORT}`], async (server) => {
        await using _local = await startLocal('aes-256-gcm');
        expect((await curl(url(ABROAD.v4))).stdout).toBe(`${FAR.v4}\n`);
        expect((await curl(`telnet://${ABROAD.v4}:${PORTS.greeter}`)).stdout).toBe('');
        await server.says(/target=\S+:25 .*reason="nobody may go to this port"/);
        expect((await curl(url(FAR.v4, '', Number(PORT)))).code).not.toBe(0);
        await server.says(/reason=".*this server itself"/);
      }));

    /** Listens on all addresses of the far end, and says of each connection that it came. */
    async function witnessOn(port: number): Promise<Program> {
      const script = `Bun.listen({ hostname: '::', port: ${port}, socket: { open: () => console.log('came'), data() {} } }); console.log('ready');`;
      const witness = start(internet.far, [process.execPath, '-e', script]);
      await witness.says(/ready/);
      return witness;
    }
  });

  describe('with snet run', () => {
    let certificates: Certificates;
    beforeAll(async () => {
      certificates = await createCertificates();
    });
    afterAll(() => certificates[Symbol.asyncDispose]());

    /** The first link that it prints, for `user` if there are several. */
    const linkOf = (server: Program, user = '') =>
      server
        .stdout()
        .split('\n')
        .find((line) => line.includes('://') && line.endsWith(user))!;

    let serial = 0;

    const throughLink = async (link: string): Promise<void> => {
      await beside(internet.client, [link], async () => {
        expect(await shell(`curl -sS -m 8 ${url(ABROAD.v4)}`)).toBe(`${FAR.v4}\n`);
        expect(await shell(`curl -sS -m 8 ${url(ABROAD.v6)}`)).toBe(`${FAR.v6}\n`);
        // An end of one direction, and a server that speaks first.
        const http10 = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -N ${ABROAD.v6} ${PORTS.http10}`;
        expect(await shell(http10)).toEndWith(`\r\n\r\n${HTTP10_BODY}`);
        expect(await shell(`printf 'QUIT\\n' | nc ${ABROAD.v4} ${PORTS.greeter}`)).toBe(
          `220 ${FAR.v4}\r\n221 QUIT\r\n`,
        );
        // The origin's log tells transfers by their size.
        const size = BULK + ++serial;
        const down = hashOf(await shell(`curl -sS ${url(ABROAD.v6, `bulk/${size}`)} | sha256sum`));
        expect(await transferSeen(internet, PORTS.http, size)).toMatchObject({ peer: FAR.v6, sha256: down });
        expect(
          hashOf(await shell(`head -c ${BULK} /dev/zero | curl -sS -T - ${url(ABROAD.v4, 'sink')}`)),
        ).toBe(ZEROS);
      });
    };

    test.each(['2022-blake3-aes-256-gcm', '2022-blake3-chacha20-poly1305'])(
      'by the link that it prints, with %s and a key that it has made',
      (method) => withServer(serves(method, '--host', FAR.v6), (server) => throughLink(linkOf(server)), {}),
    );

    test('as a user of a method with identities; another is not known', () =>
      withServer(
        serves('2022-blake3-aes-128-gcm', '--host', FAR.v4, '--user', 'alice', '--user', 'bob'),
        async (server) => {
          await throughLink(linkOf(server, '#bob'));
          const [alice, bob] = ['#alice', '#bob'].map((user) => linkOf(server, user));
          const stranger = alice!.replace(/%3A[^@]*@/, `%3A${encodeURIComponent(keyOf(16))}@`);
          expect(stranger).not.toBe(alice!);
          await beside(internet.client, [stranger], async () => {
            const { code } = await internet.client.run(['curl', '-sS', '-m', '2', url(ABROAD.v4)]);
            expect(code).toBe(28);
          });
          await server.says(/does not know the password.* reason="the identity header is of no user/);
          expect(bob).not.toBe(alice!);
        },
        {},
      ));

    test('by TLS, with the pin of a certificate of one’s own; its users have counters', async () => {
      const config = folder.file('tls.json');
      const control = folder.file('control.sock');
      const listeners = [
        {
          type: 'tls',
          listen: '443',
          cert: certificates.certificate('selfSigned'),
          key: certificates.key('selfSigned'),
          users: [
            { name: 'alice', token: 'a:/@' },
            { name: 'bob', token: 'b' },
          ],
        },
      ];
      const ports = '1-65535';
      await writeFile(config, JSON.stringify({ server: { listeners, control, ports } }), { mode: 0o600 });
      await withServer(['-c', config, '--links', '--host', FAR.v4], async (server) => {
        await throughLink(linkOf(server, '#alice'));
        const { users } = await statusOf(control);
        expect(users['alice']).toMatchObject({ open: 0, ended: { OK: expect.any(Number) } });
        expect(users['alice']!.bytesDown).toBeGreaterThan(BULK);
        expect(users['alice']!.bytesUp).toBeGreaterThan(BULK);
        expect(users['bob']).toMatchObject({ accepted: 0, bytesUp: 0, bytesDown: 0 });
        const wrong = linkOf(server, '#bob').replace('://b@', '://c@');
        await beside(internet.client, [wrong], async () => {
          const { code } = await internet.client.run(['curl', '-sS', '-m', '2', url(ABROAD.v4)]);
          expect(code).toBe(28);
        });
        await server.says(/a client has a token of nobody status=ERR_PROXY_AUTH client=192\.168\.7\.2 /);
      });
    });
  });

  describe('that is to stop', () => {
    const SMALL = 10 * 1024 * 1024;

    /** A download through ss-local, of so many bytes in so many seconds at least. */
    const download = (bytes: number, seconds: number) =>
      start(internet.client, [
        'curl',
        '-sS',
        '--socks5-hostname',
        `127.0.0.1:${SOCKS}`,
        ...(seconds > 0 ? ['--limit-rate', String(Math.floor(bytes / seconds))] : []),
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        url(ABROAD.v4, `bulk/${bytes}`),
      ]);

    test('lets those finish who are under way, and takes no others', async () => {
      await using server = await startSnetServer(internet.far, serves('aes-256-gcm'), {
        env: { SNET_PASSWORD: PASSWORD },
      });
      await using _local = await startLocal('aes-256-gcm');
      const before = await sent();
      await using slow = download(SMALL, 3);
      await eventually('it to be under way', async () => (await sent()) > before);
      server.signal('SIGTERM');
      await server.says(
        /stopping: waiting for connections; another signal ends them signal=SIGTERM connections=1 /,
      );
      expect((await curl(url(ABROAD.v4), '-m', '2')).code).not.toBe(0);
      expect(await slow.ended()).toBe(0);
      expect(slow.stdout()).toBe(String(SMALL));
      expect(await server.ended()).toBe(0);
      expect(server.said()).toMatch(/ user user=\S.* connections=1 bytesUp=\d+ bytesDown=1048\d{4}/);
      expect(server.said()).toMatch(/ stopped connections=\d+ reset=0 /);
    });

    test.each([
      ['a second signal comes', '30s'],
      ['the time is up', '500ms'],
    ])('resets them when %s', async (_, drain) => {
      const config = folder.file('drain.json');
      const listener = { type: 'shadowsocks', listen: PORT, method: 'aes-256-gcm', password: PASSWORD };
      const file = { server: { listeners: [listener], timeouts: { drain } } };
      await writeFile(config, JSON.stringify(file), { mode: 0o600 });
      await using server = await startSnetServer(internet.far, ['-c', config]);
      await using _local = await startLocal('aes-256-gcm');
      const before = await sent();
      await using endless = download(2 ** 40, 0);
      await eventually('it to be under way', async () => (await sent()) > before);
      server.signal('SIGTERM');
      await server.says(/stopping: waiting for connections/);
      if (drain === '30s') server.signal('SIGINT');
      expect(await server.ended()).toBe(0);
      expect(server.said()).toMatch(/ stopped connections=1 reset=1 /);
      expect(await endless.ended()).not.toBe(0);
    });

    /** Bytes of bulks that the origin got rid of. */
    const sent = async () => Number(await internet.world.must(['curl', '-sS', url('127.0.0.1', 'sent')]));
  });

  test('raises the limit of its descriptors, and stays below it', async () => {
    await using server = await startSnetServer(internet.far, serves('aes-256-gcm'), {
      env: { SNET_PASSWORD: PASSWORD },
      under: [
        'prlimit',
        '--nofile=100:300',
        'setpriv',
        '--bounding-set=-sys_resource',
        '--inh-caps=-sys_resource',
      ],
    });
    // (300 - 64) / 2
    await server.says(/ ready limit=118 /);
    await using crowd = start(internet.client, [
      'sh',
      '-c',
      `for i in $(seq 200); do sleep 30 | nc ${FAR.v4} ${PORT} & done; wait`,
    ]);
    await server.says(/too many clients that say nothing: the oldest are sent away status=ERR_EVICTED /);
    expect(openDescriptors(server.pid)).toBeLessThan(300);
    await using _local = await startLocal('aes-256-gcm');
    expect((await curl(url(ABROAD.v4))).stdout).toBe(`${FAR.v4}\n`);
    crowd.signal('SIGKILL');
  });
});

const ZEROS = createHash('sha256').update(Buffer.alloc(BULK)).digest('hex');

/** Of what sha256sum prints. */
function hashOf(line: string): string {
  return line.trim().split(' ')[0]!;
}
