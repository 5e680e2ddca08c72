/** SIP003 plugins under `snet run`: Debian's, which nobody here wrote, with all connections redirected but theirs. */
import { describe, expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, FAR, transferSeen, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { Netns } from '../lab/netns.ts';
import { startPluginServer } from '../lab/plugin_server.ts';
import { childrenOf, hasEnded } from '../lab/proc.ts';
import { start } from '../lab/program.ts';
import { PORTS } from '../lab/services.ts';
import { beside, startSnet } from '../lab/snet.ts';
import { SERVER, shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 100 * 2 ** 20;
const BEHIND = { ...SERVER, port: 8443 };

const withPlugin = (host: string, plugin: string) =>
  `${shareLink(host, BEHIND)}/?plugin=${encodeURIComponent(plugin)}`;

const OBFS = {
  link: (host: string) => withPlugin(host, 'obfs-local;obfs=http;obfs-host=www.example.com'),
  server: ['obfs-server', 'obfs=http'],
} as const;
const V2RAY = {
  link: (host: string) => withPlugin(host, 'v2ray-plugin;host=www.example.com;path=/way-in'),
  server: ['ss-v2ray-plugin', 'server;path=/way-in'],
} as const;

const NEEDS = ['root', 'ip', 'ss', 'curl', 'nft', 'setpriv', 'sha256sum', 'ss-server', 'obfs-local'];

describeNeeding([...NEEDS, 'ss-v2ray-plugin'], 'plugins', () => {
  const folder = folderForAll();
  let sha256: string;
  const internet = internetForAll(async ({ client }) => {
    const file = folder.file('bulk');
    sha256 = await client.must(['sh', '-c', `head -c ${BULK} /dev/urandom | tee ${file} | sha256sum`]);
  });
  const shell = (script: string) => internet.client.must(['sh', '-c', script]);
  const startFar = ({ server: [plugin, options] }: typeof OBFS | typeof V2RAY) =>
    startPluginServer(internet.far, BEHIND, plugin, options);

  describe.each([
    ['obfs-local', OBFS, FAR.v4],
    ['v2ray-plugin', V2RAY, FAR.v6],
  ] as const)('%s', (name, kind, host) => {
    test('carries both IP versions, and 100 MB each way; nothing of it loops; ends with us', async () => {
      await using _far = await startFar(kind);
      const size = BULK + name.length;
      let plugins: number[] = [];
      await beside(internet.client, [kind.link(host)], async (snet) => {
        plugins = childrenOf(snet.pid);
        expect(plugins).toHaveLength(1);
        expect((await shell(`curl -sS ${url(ABROAD.v4)}`)).trim()).toBe(FAR.v4);
        expect((await shell(`curl -sS ${url(ABROAD.v6)}`)).trim()).toBe(FAR.v6);
        const up = await shell(`curl -sS -T ${folder.file('bulk')} ${url(ABROAD.v4, 'sink')}`);
        expect(up.trim()).toBe(sha256.slice(0, 64));
        const got = await shell(`curl -sS ${url(ABROAD.v4, `bulk/${size}`)} | sha256sum`);
        const seen = await transferSeen(internet, PORTS.http, size);
        expect(seen).toMatchObject({ peer: FAR.v4, sha256: got.slice(0, 64) });
        expect(snet.said()).not.toContain('way-in');
      });
      expect(plugins.map(hasEnded)).toEqual([true]);
    });
  });

  test('one that is killed is told of, to who is in the midst of something as well, and comes back', async () => {
    await using _far = await startFar(OBFS);
    await beside(internet.client, [OBFS.link(FAR.v4)], async (snet) => {
      await using curl = start(internet.client, [
        'curl',
        '-sS',
        '-o',
        '/dev/null',
        url(ABROAD.v4, `bulk/${2 ** 40}`),
      ]);
      await eventually('the download to begin', async () =>
        / bytes_received:[1-9]\d{6}/.test(await shell(`ss -Htni dst ${ABROAD.v4}`)),
      );
      process.kill(childrenOf(snet.pid)[0]!, 'SIGKILL');
      // Reset; or ended, where the plugin's last bytes were by chance those of a whole record: Shadowsocks says no goodbye.
      expect([56, 18]).toContain((await curl.ended())!);
      await snet.says(/the plugin died; it is started again .*reason="exit code 137: /);
      await snet.says(/the plugin runs again /);
      expect((await shell(`curl -sS ${url(ABROAD.v4)}`)).trim()).toBe(FAR.v4);
    });
  });

  test('ends when we are killed', async () => {
    await using snet = await startSnet(internet.client, [OBFS.link(FAR.v4)]);
    const plugins = childrenOf(snet.pid);
    expect(plugins).toHaveLength(1);
    snet.signal('SIGKILL');
    await eventually('the plugin to end', () => plugins.every(hasEnded));
  });

  test('one that is missing, or dies at once, leaves its upstream out, and the rest goes on', async () => {
    await using _far = await startServer(internet.far);
    const missing = withPlugin(FAR.v4, 'snet-no-such-plugin;key=hunter22');
    const dying = withPlugin(FAR.v4, 'false;key=hunter22');
    await beside(internet.client, [missing, dying, shareLink(FAR.v4)], async (snet) => {
      await snet.says(
        /an upstream is left out; the others go on status=ERR_PLUGIN_MISSING .* in \/usr\/local\/sbin:/,
      );
      await snet.says(
        /an upstream is left out; the others go on status=ERR_PLUGIN_EXITED .*ended at once, exit code 1/,
      );
      expect((await shell(`curl -sS ${url(ABROAD.v4)}`)).trim()).toBe(FAR.v4);
      expect(snet.said()).not.toContain('hunter22');
    });
  });

  test('missing ones everywhere are all told of, before that ends it', async () => {
    const links = ['one', 'other'].map((name) => withPlugin(FAR.v4, `snet-no-such-${name}`));
    const { code, stderr } = await internet.client.run(Netns.snet(['run', ...links, '--no-dns']));
    expect(code).not.toBe(0);
    expect(stderr.match(/ an upstream cannot be used status=ERR_PLUGIN_MISSING .*/g)).toEqual([
      expect.stringMatching(/ by snet-no-such-one" /),
      expect.stringMatching(/ by snet-no-such-other" /),
    ]);
    expect(stderr).toMatch(/^snet: no plugin snet-no-such-one in /m);
  });

  test('a missing one that is the only way out is an error at start', async () => {
    const link = withPlugin(FAR.v4, 'snet-no-such-plugin');
    const { code, stderr } = await internet.client.run(Netns.snet(['run', link, '--no-dns']));
    expect(code).not.toBe(0);
    expect(stderr).toContain('no plugin snet-no-such-plugin in /usr/local/sbin:');
  });
});
