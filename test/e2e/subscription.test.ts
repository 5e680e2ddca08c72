/** Upstreams out of a document that changes, goes bad and goes away, while programs use them. */
import { expect, test } from 'bun:test';
import { readdir, stat } from 'node:fs/promises';
import type { Status } from '../../src/app/control.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { start, type Program } from '../lab/program.ts';
import { createIdentity, startMicrosocks, type Identity } from '../lab/proxies.ts';
import { Netns } from '../lab/netns.ts';
import { PORTS } from '../lab/services.ts';
import { startSnet, stop } from '../lab/snet.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const SERVER = new URL('../lab/https_file.ts', import.meta.url).pathname;
const PORT = 8443;
const SOCKS = 1081;
const SECRET = 'token-of-mine';

describeNeeding(
  ['root', 'ip', 'curl', 'nc', 'nft', 'openssl', 'ss-server', 'microsocks'],
  'a subscription',
  () => {
    const folder = folderForAll();
    let identity: Identity;
    const internet = internetForAll(async ({ far }, undo) => {
      identity = await createIdentity(far, folder.file('.'));
      undo.use(await startServer(far));
      undo.use(await startMicrosocks(far, { port: SOCKS }));
      await Bun.write(
        folder.file('snet.json'),
        JSON.stringify({
          upstream: { type: 'subscription', url: `https://${FAR.v4}:${PORT}/${SECRET}`, refresh: '1s' },
          dns: { cache: { directory: folder.file('state') } },
        }),
        { mode: 0o600 },
      );
    });

    const publish = (document: string) => Bun.write(folder.file('document'), document);
    async function startPublisher(): Promise<Program> {
      const argv = [SERVER, String(PORT), identity.certificate, identity.key, folder.file('document')];
      const publisher = start(internet.far, [process.execPath, ...argv]);
      await publisher.says(/^ready$/m);
      return publisher;
    }
    const run = () =>
      startSnet(internet.client, ['-c', folder.file('snet.json')], {
        dns: true,
        env: { NODE_EXTRA_CA_CERTS: identity.certificate },
      });
    const seen = async () => (await internet.client.must(['curl', '-sS', '-m', '9', url(ABROAD.v4)])).trim();

    test('is fetched, kept, followed when it changes, and outlived', async () => {
      await publish(Buffer.from(`${shareLink(FAR.v4)}\nvmess://no\n`).toString('base64'));
      const publisher = await startPublisher();
      const snet = await run();
      await snet.says(/subscription .*upstreams=1 leftOut=1/);
      await snet.says(/an entry of a subscription is left out .* number=2 reason="found a vmess:/);
      expect(await seen()).toBe(FAR.v4);

      // Another document with the same upstreams changes nothing.
      await publish(`# of today\n${shareLink(FAR.v4)}\n`);
      const beforeSame = publisher.said().length;
      await publisher.says(/asked\n.*asked\n.*asked\n/s, beforeSame);
      expect(snet.said()).not.toContain('reloaded');

      // A change is taken, and what is under way goes on.
      await using nc = start(internet.client, ['nc', ABROAD.v4, String(PORTS.drip)]);
      await nc.says(/./);
      await publish(`socks5://${FAR.v4}:${SOCKS}#office\n`);
      await snet.says(/reloaded upstream="socks5 /);
      expect(await seen()).toBe(FAR.v4);
      const before = nc.said().length;
      await nc.says(/../s, before);

      // A page of somebody's is none.
      await publish('<!doctype html><title>Please log in</title>');
      await snet.says(/could not be refreshed; the last good one stays .*ERR_SUBSCRIPTION.*an HTML page/);
      expect(await seen()).toBe(FAR.v4);
      expect(snet.said()).not.toContain(SECRET);
      await stop(snet);

      // The publisher is gone: the last good document is used at once.
      publisher.signal('SIGKILL');
      await publisher.ended();
      const again = await run();
      expect(again.said()).toContain('ready upstream="socks5 ');
      expect(await seen()).toBe(FAR.v4);
      await stop(again);

      const kept = await readdir(folder.file('state/subscriptions'));
      expect(kept).toHaveLength(1);
      expect((await stat(folder.file(`state/subscriptions/${kept[0]}`))).mode & 0o777).toBe(0o600);
      expect(kept[0]).not.toContain(SECRET);
    });

    test('that can not be had directly is fetched through the upstream', async () => {
      await publish(`socks5://${FAR.v4}:${SOCKS}#office\n`);
      await using _publisher = await startPublisher();
      const config = folder.file('through.json');
      const subscription = { type: 'subscription', url: `https://${FAR.v4}:${PORT}/${SECRET}` };
      const dns = { cache: { directory: folder.file('through') } };
      await Bun.write(config, JSON.stringify({ upstream: [shareLink(FAR.v4), subscription], dns }), {
        mode: 0o600,
      });
      const blocked = `table inet blocked { chain out { type filter hook output priority 0; ip daddr ${FAR.v4} tcp dport ${PORT} reject with tcp reset; }; }\n`;
      await internet.client.must(['nft', '-f', '-'], { stdin: blocked });
      const snet = await startSnet(internet.client, ['-c', config], {
        dns: true,
        env: { NODE_EXTRA_CA_CERTS: identity.certificate },
      });
      await snet.says(/a subscription is left out .*ERR_UPDATE_UNREACHABLE/);
      await snet.says(/ready upstream="shadowsocks /);
      await snet.says(/reloaded upstream="2 upstreams, /);
      const { upstreams } = JSON.parse(
        await internet.client.must(Netns.snet(['status', '--json'])),
      ) as Status;
      expect(upstreams.map(({ label }) => label)).toEqual([
        `shadowsocks ${FAR.v4}:8388 aes-256-gcm`,
        `socks5 ${FAR.v4}:${SOCKS} (office)`,
      ]);
      await stop(snet);
      await internet.client.must(['nft', 'delete', 'table', 'inet', 'blocked']);
    });

    test('that can not be had, and was never had, is a clear error where there is no other upstream', async () => {
      const config = folder.file('other.json');
      const upstream = { type: 'subscription', url: `https://${FAR.v4}:9/${SECRET}` };
      const dns = { cache: { directory: folder.file('nothing') } };
      await Bun.write(config, JSON.stringify({ upstream, dns }), { mode: 0o600 });
      const snet = start(internet.client, Netns.snet(['run', '-c', config]));
      expect(await snet.ended()).toBe(1);
      expect(snet.said()).toMatch(/the subscription [0-9a-f]{12} of 151\.101\.1\.6 can't be fetched/);
      expect(snet.said()).not.toContain(SECRET);
    });
  },
);
