/** snet's own connections go out, whatever is redirected; and an upstream's name is followed to where it moves. */
import { expect, test } from 'bun:test';
import { LINUX_MECHANISMS } from '../../src/redirect/redirect.ts';
import { addForeignRules } from '../lab/firewalls.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA, FAR, GATEWAY, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import type { Program } from '../lab/program.ts';
import { startResolver, type Resolver } from '../lab/resolver.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const NAME = 'server.example';
/** Of the far end, beside its first. */
const SECOND = '151.101.1.7';

const NEEDS = ['root', 'ip', 'curl', 'dnsmasq', 'nft', 'iptables', 'ipset', 'ss-server'];

describeNeeding(NEEDS, 'an upstream given by name', () => {
  const folder = folderForAll();
  let resolver: Resolver;
  const internet = internetForAll(async ({ client, world, far }, undo) => {
    undo.use(await startServer(far));
    resolver = undo.use(await startResolver(world, GATEWAY.v4, folder.file('hosts')));
    await addForeignRules(client);
  });

  const curl = (to: string) => internet.client.run(['curl', '-sS', '--max-time', '9', url(to)]);

  test.each(LINUX_MECHANISMS)(
    'is reached without a loop though everything is redirected, by %s',
    async (mechanism) => {
      await resolver.point(NAME, FAR.v4);
      const args = [shareLink(NAME), '--scope', 'global', '--redirect', mechanism];
      const origins = [ABROAD.v4, ABROAD.v6, CHINA.v4, CHINA.v6];
      let snet!: Program;
      await beside(internet.client, args, async (program) => {
        snet = program;
        for (const to of origins)
          expect((await curl(to)).stdout).toBe(`${to.includes(':') ? FAR.v6 : FAR.v4}\n`);
      });
      // A connection of our own that came back to us would count as well.
      expect(snet.said()).toContain(` flows=${origins.length} `);
      expect(snet.said()).not.toContain('ERR_');
    },
  );

  test('is found where it has moved to, after the first failure', async () => {
    await resolver.point(NAME, FAR.v4);
    await internet.far.must(['ip', 'addr', 'add', `${SECOND}/24`, 'dev', 'uplink']);
    await internet.world.must(['ip', 'neigh', 'add', SECOND, 'lladdr', await macOfFar(), 'dev', 'far']);
    await beside(internet.client, [shareLink(NAME)], async (snet) => {
      expect((await curl(ABROAD.v4)).stdout).toBe(`${FAR.v4}\n`);
      await resolver.point(NAME, SECOND);
      const refuse = `table inet wall {
        chain input {
          type filter hook input priority 0
          ip daddr ${FAR.v4} tcp dport ${SERVER.port} reject with tcp reset
        }
      }`;
      await internet.far.must(['nft', '-f', '-'], { stdin: refuse });
      expect((await curl(ABROAD.v4)).code).not.toBe(0);
      await snet.says(new RegExp(`the upstream has moved .*addresses=${SECOND}:`));
      expect((await curl(ABROAD.v4)).stdout).toBe(`${FAR.v4}\n`);
    });
  });

  test('leaves our own port to the kernel: who connects to it is turned away', () =>
    beside(internet.client, [shareLink(FAR.v4)], async (snet) => {
      for (const host of ['127.0.0.1', '[::1]']) {
        const since = snet.said().length;
        const { code } = await internet.client.run([
          'curl',
          '-sS',
          '--max-time',
          '9',
          `http://${host}:1111/`,
        ]);
        expect([7, 56]).toContain(code);
        await snet.says(/status=ERR_NOT_REDIRECTED/, since);
      }
    }));

  async function macOfFar(): Promise<string> {
    return (await internet.far.must(['cat', '/sys/class/net/uplink/address'])).trim();
  }
});
