/** Every cipher of shadowsocks-libev, both IP versions, and who goes which way. The origin's word counts, not ours. */
import { expect, test } from 'bun:test';
import { STREAM_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { addForeignRules } from '../lab/firewalls.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA, CLIENT, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

/** All AEAD methods of `ss-server -h`. */
const METHODS = [
  'aes-128-gcm',
  'aes-192-gcm',
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  'xchacha20-ietf-poly1305',
];

describeNeeding(['root', 'ip', 'curl', 'nft', 'iptables', 'ipset', 'ss-server'], 'snet run', () => {
  const folder = folderForAll();
  const internet = internetForAll();

  /** Fetches from each address with curl. @returns whom the origin logged as the client, in order */
  async function peersOf(...addresses: readonly string[]): Promise<string[]> {
    const before = internet.seen().length;
    for (const address of addresses) await internet.client.must(['curl', '-sS', '-m', '10', url(address)]);
    return internet
      .seen()
      .slice(before)
      .map(({ peer }) => peer);
  }

  test.each(METHODS)('takes %s abroad on both IP versions, and China straight', async (method) => {
    const server = { ...SERVER, method };
    await using _server = await startServer(internet.far, server);
    await beside(internet.client, [shareLink(FAR.v4, server)], async () => {
      expect(await peersOf(ABROAD.v4, ABROAD.v6, CHINA.v4, CHINA.v6)).toEqual([
        FAR.v4,
        FAR.v6,
        CLIENT.v4,
        CLIENT.v6,
      ]);
    });
  });

  test.each(STREAM_METHODS)(
    'takes %s abroad, once somebody has allowed it, with a warning',
    async (method) => {
      const server = { ...SERVER, method };
      await using _server = await startServer(internet.far, server);
      const file = folder.file('config.json');
      await Bun.write(
        file,
        JSON.stringify({ upstream: shareLink(FAR.v4, server), 'allow-insecure-ciphers': true }),
      );
      await beside(internet.client, ['-c', file], async (snet) => {
        expect(snet.said()).toContain(
          `warning: ${file}:1:2: upstream: ${method}: this method has no authentication`,
        );
        expect(await peersOf(ABROAD.v4, ABROAD.v6, CHINA.v4)).toEqual([FAR.v4, FAR.v6, CLIENT.v4]);
      });
    },
  );

  test('reaches an upstream over IPv6', async () => {
    await using _server = await startServer(internet.far);
    await beside(internet.client, [shareLink(FAR.v6)], async () => {
      expect(await peersOf(ABROAD.v4, ABROAD.v6)).toEqual([FAR.v4, FAR.v6]);
    });
  });

  test('takes China through the proxy as well with --scope global', async () => {
    await using _server = await startServer(internet.far);
    await beside(internet.client, [shareLink(FAR.v4), '--scope', 'global'], async () => {
      expect(await peersOf(CHINA.v4, CHINA.v6, ABROAD.v4)).toEqual([FAR.v4, FAR.v6, FAR.v4]);
    });
  });

  test('lets what --bypass names go straight', async () => {
    await using _server = await startServer(internet.far);
    const bypass = ['--bypass', '193.0.6.138/31', '--bypass', ABROAD.v6];
    await beside(internet.client, [shareLink(FAR.v4), ...bypass], async () => {
      expect(await peersOf(ABROAD.v4, ABROAD.v6)).toEqual([CLIENT.v4, CLIENT.v6]);
    });
  });

  test('does the same with rules of iptables', async () => {
    await using _server = await startServer(internet.far);
    await addForeignRules(internet.client);
    await beside(internet.client, [shareLink(FAR.v4), '--redirect', 'iptables'], async (snet) => {
      expect(snet.said()).toContain('mechanism=iptables');
      expect(await peersOf(ABROAD.v4, ABROAD.v6, CHINA.v4, CHINA.v6)).toEqual([
        FAR.v4,
        FAR.v6,
        CLIENT.v4,
        CLIENT.v6,
      ]);
    });
  });
});
