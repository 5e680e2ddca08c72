/** `snet status` beside an snet that runs, and where none does. */
import { expect, test } from 'bun:test';
import type { Status } from '../../src/app/control.ts';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { Netns } from '../lab/netns.ts';
import { startMicrosocks } from '../lab/proxies.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const SOCKS = 1081;
const BYTES = 3 * 2 ** 20;

describeNeeding(['root', 'ip', 'curl', 'nft', 'microsocks'], 'snet status', () => {
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startMicrosocks(far, { port: SOCKS }));
  });
  const status = (...flags: string[]) => internet.client.run(Netns.snet(['status', ...flags]));

  test('says that no snet runs, on stderr', async () => {
    for (const flags of [[], ['--json']]) {
      expect(await status(...flags)).toEqual({
        code: 1,
        stdout: '',
        stderr: 'snet: no snet runs here\n  hint: Start it with: sudo snet run URL\n',
      });
    }
  });

  test('shows what runs, what has gone through it, and which upstream is down', async () => {
    // Nobody listens at the first.
    const links = [shareLink(FAR.v4), `socks5://${FAR.v4}:${SOCKS}`];
    await beside(internet.client, links, async ({ pid }) => {
      const get = () => internet.client.must(['curl', '-sS', '-o', '/dev/null', url(ABROAD.v4, `bulk/${BYTES}`)]);
      const answer = async () => JSON.parse((await status('--json')).stdout) as Status;
      const found = await eventually('the first to be down', async () => {
        await get();
        const now = await answer();
        return now.upstreams[0]?.isUp === false && now;
      });
      expect(found).toMatchObject({
        pid,
        mechanism: 'nftables',
        scope: 'bypass-cn',
        upstream: '2 upstreams, failover',
        upstreams: [
          { label: `shadowsocks ${FAR.v4}:${SERVER.port} aes-256-gcm`, isUp: false, lastFailure: 'ERR_DIAL_REFUSED' },
          { label: `socks5 ${FAR.v4}:${SOCKS}`, isUp: true, failureRate: 0 },
        ],
      });
      expect(found.flows.bytesDown).toBeGreaterThanOrEqual(BYTES);

      const { code, stdout, stderr } = await status();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.split('\n');
      expect(lines[0]).toMatch(new RegExp(`^snet \\S+, process ${pid}, up \\d+ s$`));
      expect(stdout).toMatch(/^redirect +nftables, bypass-cn$/m);
      expect(stdout).toMatch(/^flows +\d+ open of \d+, \d+\.\d MiB up, [1-9]\d*\.\d MiB down/m);
      expect(stdout).toMatch(/^dns +left alone$/m);
      expect(stdout).toMatch(/^upstreams +2 upstreams, failover$/m);
      expect(lines.at(-3)).toMatch(/^ +shadowsocks .*: DOWN for .* last failure ERR_DIAL_REFUSED$/);
      expect(lines.at(-2)).toMatch(/^ +socks5 .*: up for \d+ s, \d+ ms$/);
    });
  }); // prettier-ignore
});
