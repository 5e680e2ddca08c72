/** What may be wrong with an upstream: programs learn of it at once, the log has a word for it, and nothing is left. */
import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { startDownload } from '../lab/download.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import type { Netns } from '../lab/netns.ts';
import { settled } from '../lab/proc.ts';
import { start, type Program } from '../lab/program.ts';
import { PORTS } from '../lab/services.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

/**
 * Exit codes of curl for a connection that was ended on it: before it had looked at it, within the body, by a reset.
 * Were it not told, it would end with 28: its own timeout.
 */
const TOLD = [7, 18, 56];
const PORT = String(SERVER.port);
/** Nobody listens at this port, and nobody has this address. */
const CLOSED = 4;
const NOBODY = '193.0.6.250';

const NEEDS = ['root', 'ip', 'curl', 'nc', 'nft', 'iptables', 'ipset', 'ss-server'];

describeNeeding(NEEDS, 'an upstream', () => {
  const folder = folderForAll();
  const internet = internetForAll();

  const curl = (address = ABROAD.v4, port: number = PORTS.http) =>
    internet.client.run(['curl', '-sS', '--max-time', '9', url(address, '', port)]);
  const inFar = (script: string) => start(internet.far, ['sh', '-c', script]);

  async function withSnet(body: (snet: Program) => Promise<void>, idle = '10m'): Promise<void> {
    const timeouts = { dial: '700ms', idle };
    const config = { upstream: shareLink(FAR.v4), timeouts, log: { level: 'debug' } };
    const file = folder.file('snet.json');
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    await beside(internet.client, ['-c', file], body);
  }

  async function expectEnd(snet: Program, status: string): Promise<void> {
    const since = snet.said().length;
    expect(TOLD).toContain((await curl()).code);
    await snet.says(new RegExp(`status=${status} .*destination=${ABROAD.v4}:${PORTS.http} `), since);
  }

  async function expectService(): Promise<void> {
    await using _server = await startServer(internet.far);
    expect(await curl()).toMatchObject({ code: 0, stdout: `${FAR.v4}\n` });
  }

  async function listening(program: Program): Promise<void> {
    await eventually('somebody to listen there', async () => {
      expect(program.running).toBe(true);
      return (await internet.far.must(['ss', '-Hltn', `sport = ${PORT}`])) !== '';
    });
  }

  test('that refuses, and comes back', () =>
    withSnet(async (snet) => {
      await expectEnd(snet, 'ERR_DIAL_REFUSED');
      await expectService();
      await expectEnd(snet, 'ERR_DIAL_REFUSED');
      await expectService();
    }));

  test('that does not answer the SYN, and comes back', () =>
    withSnet(async (snet) => {
      const drop = `table inet wall {
        chain input { type filter hook input priority 0; tcp dport ${PORT} drop; }
      }`;
      await internet.far.must(['nft', '-f', '-'], { stdin: drop });
      await expectEnd(snet, 'ERR_DIAL_TIMEOUT');
      await internet.far.must(['nft', 'delete', 'table', 'inet', 'wall']);
      await expectService();
    }));

  test('that there is no way to, until there is', () =>
    withSnet(async (snet) => {
      await internet.world.must(['ip', 'route', 'add', 'unreachable', FAR.v4]);
      await expectEnd(snet, 'ERR_DIAL_UNREACHABLE');
      await internet.world.must(['ip', 'route', 'del', 'unreachable', FAR.v4]);
      await expectService();
    }));

  test('that accepts and says nothing', () =>
    withSnet(async (snet) => {
      await using mute = inFar(`exec nc -lkd ${PORT}`);
      await listening(mute);
      await expectEnd(snet, 'ERR_IDLE');
    }, '1s'));

  test('that closes without a word', () =>
    withSnet(async (snet) => {
      await using curt = inFar(`exec nc -lkN ${PORT} </dev/null`);
      await listening(curt);
      await expectEnd(snet, 'ERR_UPSTREAM_NO_ANSWER');
    }));

  test('that answers in another language', () =>
    withSnet(async (snet) => {
      const noise = folder.file('noise');
      await writeFile(noise, randomBytes(1_000));
      await using strange = inFar(`exec nc -l ${PORT} <${noise}`);
      await listening(strange);
      await expectEnd(snet, 'ERR_AEAD');
    }));

  test.each([
    ['password', { ...SERVER, password: 'wrong' }],
    ['method', { ...SERVER, method: 'chacha20-ietf-poly1305' }],
  ])('that has another %s', (_, other) =>
    withSnet(async (snet) => {
      await using server = await startServer(internet.far, other);
      // It keeps silent so as to tell a prober nothing: only the idle time ends this. But the log soon has a suspicion.
      await expectEnd(snet, 'ERR_IDLE');
      await expectEnd(snet, 'ERR_IDLE');
      expect(snet.said()).not.toContain('ERR_UPSTREAM_SILENT');
      expect(TOLD).toContain((await curl(ABROAD.v6)).code);
      expect(TOLD).toContain((await curl(NOBODY)).code);
      await snet.says(/wrong password or method\? status=ERR_UPSTREAM_SILENT .*flows=4/);
      expect(server.said()).toContain('authentication error');
    }, '1s'),
  );

  test('is not to blame for targets that refuse or are dead', () =>
    withSnet(async (snet) => {
      await using _server = await startServer(internet.far);
      const drop = `table inet wall {
        chain output { type filter hook output priority 0; ip daddr ${NOBODY} drop; }
      }`;
      await internet.far.must(['nft', '-f', '-'], { stdin: drop });
      const flows = [1, 2, 3, 4].flatMap(() => [curl(ABROAD.v4, CLOSED), curl(NOBODY)]);
      for (const { code } of await Promise.all(flows)) expect(TOLD).toContain(code);
      await internet.far.must(['nft', 'delete', 'table', 'inet', 'wall']);
      expect(snet.said()).toMatch(new RegExp(`destination=${ABROAD.v4}:${CLOSED} `));
      expect(snet.said()).toMatch(new RegExp(`status=ERR_IDLE .*destination=${NOBODY}:`));
      expect(snet.said()).not.toContain('ERR_UPSTREAM_SILENT');
    }, '1s'));

  test('that dies in mid-download, and comes back', () =>
    withSnet(async () => {
      await using server = await startServer(internet.far);
      await using download = await startDownload(internet.client);
      server.signal('SIGKILL');
      // No word of ours is asked for: if it dies between two records, its end looks like the origin's.
      expect(TOLD).toContain((await download.ended())!);
      await expectService();
    }));

  test('that dies in mid-upload, and comes back', () =>
    withSnet(async (snet) => {
      await using server = await startServer(internet.far);
      const endless = `exec nc ${ABROAD.v4} ${PORTS.stalled} </dev/zero`;
      await using upload = start(internet.client, ['sh', '-c', endless]);
      // With bytes unread, the kernel ends a dead program's connection with a reset.
      expect(await settled('what the server has not read', () => unread(internet.far))).toBeGreaterThan(0);
      server.signal('SIGKILL');
      // Nobody reads what it sends: had it not been told, it would wait for ever. Its exit code says nothing.
      await upload.ended();
      await snet.says(/status=ERR_UPSTREAM_RESET /);
      await expectService();
    }));

  test('is not to blame for programs that die; others go on meanwhile', () =>
    withSnet(async () => {
      await using _server = await startServer(internet.far);
      await using steady = start(internet.client, ['nc', ABROAD.v6, String(PORTS.drip)]);
      await steady.says(/\./);
      for (let i = 0; i < 5; i++) {
        await using doomed = await startDownload(internet.client);
        doomed.signal('SIGKILL');
      }
      const dots = steady.stdout().length;
      await eventually('more of the steady one', () => steady.stdout().length > dots + 3);
    }));
});

/** How many bytes wait to be read by the Shadowsocks server. */
async function unread(far: Netns): Promise<number> {
  const [, queue] = /^ESTAB +(\d+)/m.exec(await far.must(['ss', '-Htn', `sport = ${PORT}`])) ?? [];
  return Number(queue);
}
