/** The far end against a client that nobody here wrote: curl ─▶ ss-local (shadowsocks-libev) ─▶ far end ─▶ web server. */
import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';

const SERVER = new URL('far_end_and_web.ts', import.meta.url).pathname;
const PASSWORD = 'päss:word/@';
const [FAR, SOCKS, WEB] = ['8388', '1080', '8080'];

describeNeeding(['root', 'ip', 'ss-local', 'curl'], 'ss-local through our far end', () => {
  test.each([...SHADOWSOCKS_METHODS])('%s carries 16 MiB there and back', async (method) => {
    await using ns = await Netns.create('far');
    const body = randomBytes(16 * 2 ** 20);
    const server = ns.spawn([process.execPath, SERVER, method, PASSWORD, FAR, WEB]);
    await firstOutput(server.stdout, /ready/);
    const local = ns.spawn([
      'ss-local',
      '-s',
      '127.0.0.1',
      '-p',
      FAR,
      '-l',
      SOCKS,
      '-m',
      method,
      '-k',
      PASSWORD,
    ]);
    await firstOutput(local.stdout, /listening/);

    const child = Bun.spawn(
      ns.inside([
        'curl',
        '-sSf',
        '--socks5-hostname',
        `127.0.0.1:${SOCKS}`,
        '-H',
        'Expect:',
        '--data-binary',
        '@-',
        `http://127.0.0.1:${WEB}/`,
      ]),
      { stdin: body, stdout: 'pipe', stderr: 'pipe' },
    );
    const [answer, complaint] = await Promise.all([
      new Response(child.stdout).arrayBuffer(),
      new Response(child.stderr).text(),
    ]);
    expect(complaint).toBe('');
    expect(Buffer.compare(Buffer.from(answer), body)).toBe(0);
  });
});

/** Waits until the output has said something, or has ended without it. */
async function firstOutput(stream: ReadableStream<Uint8Array>, wanted: RegExp): Promise<void> {
  let said = '';
  for await (const chunk of stream) {
    said += Buffer.from(chunk).toString();
    if (wanted.test(said)) return;
  }
  throw new Error(`it ended after saying: ${said}`);
}
