/** Every kind of upstream, with servers that nobody here wrote. The origin's word counts, not ours. */
import { describe, expect, test } from 'bun:test';
import { folderForAll } from '../lab/folder.ts';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, FAR, transferSeen, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { createIdentity, type Identity } from '../lab/proxies.ts';
import { start, type Program } from '../lab/program.ts';
import { PORTS } from '../lab/services.ts';
import { beside } from '../lab/snet.ts';
import { KINDS, LOGIN } from '../lab/upstream_kinds.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 100 * 2 ** 20;
const NEEDS = ['root', 'ip', 'curl', 'nc', 'nft', 'ss', 'openssl', 'sha256sum'];
const PROXIES = ['squid', 'tinyproxy', 'danted', 'microsocks', 'stunnel', 'ss-server'];

describeNeeding([...NEEDS, ...PROXIES], 'an upstream of kind', () => {
  const folder = folderForAll();
  let identity: Identity;
  let file: string;
  let sha256: string;
  const internet = internetForAll(async ({ far }) => {
    identity = await createIdentity(far, folder.file('.'));
    file = folder.file('bulk');
    await shell(`head -c ${BULK} /dev/urandom >${file}`);
    sha256 = (await shell(`sha256sum <${file}`)).slice(0, 64);
  });
  const shell = (script: string) => internet.client.must(['sh', '-c', script]);

  describe.each([...KINDS])('$name', (kind) => {
    const size = BULK + KINDS.indexOf(kind);
    const startFar = () => kind.start(internet.far, folder.file('.'), identity);
    const through = async (upstream: string, body: (snet: Program) => Promise<void>) => {
      await using _far = await startFar();
      await beside(internet.client, [upstream], body);
    };

    test('carries both IP versions, a server that speaks first, and 100 MB each way', () =>
      through(kind.upstream(identity), async () => {
        expect((await shell(`curl -sS ${url(ABROAD.v4)}`)).trim()).toBe(FAR.v4);
        expect((await shell(`curl -sS ${url(ABROAD.v6)}`)).trim()).toBe(FAR.v6);
        const talk = await shell(`(sleep 0.2; echo hello; sleep 5) | nc ${ABROAD.v4} ${PORTS.greeter}`);
        expect(talk).toBe(`220 ${FAR.v4}\r\n221 hello\r\n`);
        const up = await shell(`curl -sS -T ${file} ${url(ABROAD.v4, 'sink')}`);
        expect(up.trim()).toBe(sha256);
        const got = await shell(`curl -sS ${url(ABROAD.v4, `bulk/${size}`)} | sha256sum`);
        expect(await transferSeen(internet, PORTS.http, size)).toMatchObject({
          peer: FAR.v4,
          sha256: got.slice(0, 64),
        });
      }));

    test('a target that refuses is told at once', () =>
      through(kind.upstream(identity), async (snet) => {
        const { code } = await internet.client.run(['curl', '-sS', '-m', '9', url(ABROAD.v4, '', 4)]);
        // 56: reset; 52, 35: nothing came. Not 28, which is its own patience.
        expect([35, 52, 56]).toContain(code);
        await snet.says(new RegExp(`status=${kind.refused} `));
      }));

    test('an upstream that dies in mid-transfer is told to the program', () => {
      const died = startFar();
      return beside(internet.client, [kind.upstream(identity)], async () => {
        const far = await died;
        const curl = start(internet.client, [
          'curl',
          '-sS',
          '-o',
          '/dev/null',
          url(ABROAD.v4, `bulk/${2 ** 40}`),
        ]);
        await eventually('the download to begin', async () =>
          / bytes_received:[1-9]\d{6}/.test(await shell(`ss -Htni dst ${ABROAD.v4}`)),
        );
        await far[Symbol.asyncDispose]();
        // 56: reset. 18: an end before its time, since the kernel ends what a dead program has read all of.
        expect([18, 56]).toContain((await curl.ended())!);
      });
    });
  });

  test.each(KINDS.filter(({ denied }) => denied !== undefined))(
    '$name: wrong credentials are told, and not shown',
    async (kind) => {
      await using _far = await kind.start(internet.far, folder.file('.'), identity);
      const wrong = kind.upstream(identity).replace(LOGIN.password, 'hunter2');
      await beside(internet.client, [wrong], async (snet) => {
        const { code } = await internet.client.run(['curl', '-sS', '-m', '9', url(ABROAD.v4)]);
        expect(code).toBe(56);
        await snet.says(new RegExp(`status=${kind.denied} `));
        expect(snet.said()).not.toContain('hunter2');
      });
    },
  );
});
