/** Bytes in bulk, in crowds, one way at a time, and slower than they come: all arrive, and none pile up in us. */
import { expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, FAR, transferSeen, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { uploadLate } from '../lab/late_upload.ts';
import { filePosition, residentKiB, settled } from '../lab/proc.ts';
import { start, type Program } from '../lab/program.ts';
import { HTTP10_BODY, PORTS } from '../lab/services.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink, startHalfClosingServer, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 200 * 1024 * 1024;
/** What may be added to our memory by a transfer that is stuck with most of BULK still to come. */
const BOUND_KIB = 48 * 1024;
const CROWD = 300;

const NEEDS = ['root', 'ip', 'curl', 'nc', 'nft', 'iptables', 'ipset', 'ss', 'ss-server', 'sha256sum'];

describeNeeding(NEEDS, 'a transfer', () => {
  const folder = folderForAll();
  /** BULK random bytes, and their hash. */
  let file: string;
  let sha256: string;
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startServer(far));
    file = folder.file('bulk');
    await shell(`head -c ${BULK} /dev/urandom >${file}`);
    sha256 = hashOf(await shell(`sha256sum <${file}`));
  });

  /** Runs a command line in the client's namespace. @returns its stdout */
  const shell = (script: string) => internet.client.must(['sh', '-c', script]);
  const withSnet = (body: (snet: Program) => Promise<void>) =>
    beside(internet.client, [shareLink(FAR.v4)], body);
  const withHalfClosing = async (body: () => Promise<void>) => {
    const port = SERVER.port + 1;
    await using _server = await startHalfClosingServer(internet.far, port);
    await beside(internet.client, [shareLink(FAR.v4, { ...SERVER, port })], body);
  };

  test('of 200 MB arrives whole, down over IPv6 and up over IPv4', () =>
    withSnet(async () => {
      const down = hashOf(await shell(`curl -sS ${url(ABROAD.v6, `bulk/${BULK}`)} | sha256sum`));
      const sent = await transferSeen(internet, PORTS.http, BULK);
      expect(sent).toMatchObject({ peer: FAR.v6, sha256: down });
      const up = await shell(`curl -sS -T ${file} ${url(ABROAD.v4, 'sink')}`);
      expect(up.trim()).toBe(sha256);
    }));

  test('of 200 MB arrives whole both ways at once, its end after our end', () =>
    withHalfClosing(async () => {
      const echoed = await shell(`nc -N ${ABROAD.v4} ${PORTS.echo} <${file} | sha256sum`);
      expect(hashOf(echoed)).toBe(sha256);
    }));

  test('of each of 300 programs arrives, all at once', () =>
    withSnet(async () => {
      // The origin answers none before all are there.
      const requests = url(ABROAD.v4, `gather/${CROWD}/[1-${CROWD}]`);
      const parallel = ['-Z', '--parallel-immediate', '--parallel-max', String(CROWD)];
      const out = folder.file('crowd-#1');
      await internet.client.must(['curl', '-sS', ...parallel, '-o', out, requests]);
      for (let id = 1; id <= CROWD; id++)
        expect(await readFile(folder.file(`crowd-${id}`), 'utf8')).toBe(`${id}\n`);
    }));

  test('to a reader that has stopped waits in the origin, not in our memory', () =>
    withSnet(async (snet) => {
      await shell(`curl -sS -o /dev/null ${url(ABROAD.v4, `bulk/${BULK}`)}`);
      const rest = residentKiB(snet.pid);
      const pipe = folder.file('pipe');
      await shell(`mkfifo ${pipe}`);
      const sentBefore = await bytesSent();
      // curl waits at its first byte, for somebody to open the other end of the pipe.
      await using curl = start(internet.client, [
        'curl',
        '-sS',
        '-o',
        pipe,
        url(ABROAD.v4, `bulk/${BULK + 1}`),
      ]);
      const sent = (await settled('what the origin has sent', bytesSent)) - sentBefore;
      expect(sent).toBeGreaterThan(0);
      expect(sent).toBeLessThan(BULK / 2);
      expect(residentKiB(snet.pid) - rest).toBeLessThan(BOUND_KIB);

      const got = hashOf(await shell(`sha256sum <${pipe}`));
      expect(await curl.ended()).toBe(0);
      expect(await transferSeen(internet, PORTS.http, BULK + 1)).toMatchObject({ sha256: got });
    }));

  test('to an origin that does not read waits in the sender, not in our memory', () =>
    withSnet(async (snet) => {
      await shell(`curl -sS -T ${file} ${url(ABROAD.v4, 'sink')}`);
      const rest = residentKiB(snet.pid);
      await using nc = start(internet.client, [
        'sh',
        '-c',
        `exec nc -N ${ABROAD.v4} ${PORTS.stalled} <${file}`,
      ]);
      await eventually('nc to read its file', () => filePosition(nc.pid, 0) > 0);
      const sent = await settled('what nc has read', () => filePosition(nc.pid, 0));
      expect(sent).toBeLessThan(BULK / 2);
      expect(residentKiB(snet.pid) - rest).toBeLessThan(BOUND_KIB);

      await internet.world.must(['curl', '-sS', url('127.0.0.1', 'release')]);
      expect(await transferSeen(internet, PORTS.stalled, BULK)).toMatchObject({ peer: FAR.v4, sha256 });
      expect(await nc.ended()).toBe(0);
    }));

  test('goes on one way after the other way has ended', () =>
    withHalfClosing(async () => {
      const http10 = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -N ${ABROAD.v6} ${PORTS.http10}`;
      expect(await shell(http10)).toEndWith(`\r\n\r\n${HTTP10_BODY}`);

      await uploadLate(internet, folder, 1_000_000);
    }));

  test('begins with the origin if the protocol says so', () =>
    withSnet(async () => {
      // Without -N, nc sends nothing at all, not even an end.
      await using nc = start(internet.client, ['nc', ABROAD.v4, String(PORTS.greeter)]);
      await nc.says(new RegExp(`^220 ${FAR.v4}\r$`, 'm'));
    }));

  async function bytesSent(): Promise<number> {
    return Number(await internet.world.must(['curl', '-sS', url('127.0.0.1', 'sent')]));
  }
});

/** Of the output of sha256sum. */
function hashOf(output: string): string {
  return output.split(' ')[0]!;
}
