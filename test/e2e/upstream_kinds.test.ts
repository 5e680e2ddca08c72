/** Every kind of upstream, with servers that nobody here wrote wherever there are some. The origin's word and theirs count. */
import { describe, expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { startDownload } from '../lab/download.ts';
import { ABROAD, FAR, transferSeen, url } from '../lab/internet.ts';
import { uploadLate } from '../lab/late_upload.ts';
import { start, type Program } from '../lab/program.ts';
import { HTTP10_BODY, PORTS } from '../lab/services.ts';
import { KIND_NEEDS, KINDS, LOGIN } from '../lab/upstream_kinds.ts';
import { upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 100 * 2 ** 20;
const NEEDS = ['root', 'ip', 'bash', 'curl', 'nc', 'nft', 'ss', 'openssl', 'sha256sum'];

describeNeeding([...NEEDS, ...KIND_NEEDS], 'an upstream of kind', () => {
  /** Of BULK random bytes. */
  let sha256: string;
  const lab = upstreamsForAll(async ({ shell, folder }) => {
    const made = await shell(`head -c ${BULK} /dev/urandom | tee ${folder.file('bulk')} | sha256sum`);
    sha256 = made.slice(0, 64);
  });
  const { shell } = lab;

  describe.each([...KINDS])('$name', (kind) => {
    // Of another size for each kind, so that the origin's words can't be mixed up.
    const size = BULK + KINDS.indexOf(kind);

    test('carries both IP versions, a server that speaks first, and 100 MB each way', async () => {
      await using far = await lab.startFar(kind);
      const carries = async (snet: Program) => {
        expect((await shell(`curl -sS ${url(ABROAD.v4)}`)).trim()).toBe(FAR.v4);
        expect((await shell(`curl -sS ${url(ABROAD.v6)}`)).trim()).toBe(FAR.v6);
        const greeter = `/dev/tcp/${ABROAD.v4}/${PORTS.greeter}`;
        const talk = `exec 3<>${greeter}; head -n1 <&3; echo hello >&3; cat <&3`;
        const heard = await lab.internet.client.must(['bash', '-c', talk]);
        expect(heard).toBe(`220 ${FAR.v4}\r\n221 hello\r\n`);
        const up = await shell(`curl -sS -T ${lab.folder.file('bulk')} ${url(ABROAD.v4, 'sink')}`);
        expect(up.trim()).toBe(sha256);
        const got = await shell(`curl -sS ${url(ABROAD.v4, `bulk/${size}`)} | sha256sum`);
        const sent = await transferSeen(lab.internet, PORTS.http, size);
        expect(sent).toMatchObject({ peer: FAR.v4, sha256: got.slice(0, 64) });
        expect(snet.said()).not.toContain(LOGIN.password);
      };
      await lab.withSnet(kind.upstream(lab.identity), carries, { log: { level: 'debug' } });
      await eventually('the server to say so', async () => kind.far.carried.test(await far.log()));
      if (kind.name.endsWith('snet server')) expect(await far.log()).not.toContain(LOGIN.password);
    });

    test(`${kind.halfCloses ? 'passes on' : 'ends with'} the end of one direction`, async () => {
      await using _far = await lab.startFar(kind);
      await lab.withSnet(kind.upstream(lab.identity), async () => {
        const old = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 9 nc -N ${ABROAD.v4} ${PORTS.http10}`;
        const answer = kind.halfCloses ? `HTTP/1.0 200 OK\r\n\r\n${HTTP10_BODY}` : '';
        expect(await shell(old)).toBe(answer);
        if (kind.halfCloses) await uploadLate(lab.internet, lab.folder, size - BULK + 1_000_000);
      });
    });

    test('tells programs at once that it has died', async () => {
      const far = await lab.startFar(kind);
      await lab.withSnet(kind.upstream(lab.identity), async () => {
        await using download = await startDownload(lab.internet.client);
        const upload = `exec nc ${ABROAD.v4} ${PORTS.discard} </dev/zero`;
        await using nc = start(lab.internet.client, ['sh', '-c', upload]);
        await eventually('the upload to begin', async () =>
          / bytes_acked:[1-9]\d{6}/.test(await shell(`ss -Htni dst ${ABROAD.v4} dport = ${PORTS.discard}`)),
        );
        await far[Symbol.asyncDispose]();
        // 56: reset. 18: an end before its time, since the kernel ends what a dead program has read all of.
        expect([18, 56]).toContain((await download.ended())!);
        // Its exit code says nothing; had it not been told, it would not end.
        await nc.ended();
      });
    });
  });
});
