import { expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { describeNeeding } from '../needs.ts';
import { ABROAD, CHINA, CLIENT, createInternet, FAR, url } from './internet.ts';
import { internetForAll } from './internet_for_all.ts';
import { start, type Program } from './program.ts';
import { startServer, SERVER } from './upstream.ts';

const ADDRESSES = [CHINA.v4, CHINA.v6, ABROAD.v4, ABROAD.v6];

describeNeeding(['root', 'ip', 'curl', 'nft', 'ss-server', 'ss-redir'], 'the lab', () => {
  const internet = internetForAll();

  const whoAmI = () =>
    Promise.all(ADDRESSES.map(async (to) => (await internet.client.must(['curl', '-sS', url(to)])).trim()));

  test('shows origins the client itself where nothing redirects', async () => {
    expect(await whoAmI()).toEqual([CLIENT.v4, CLIENT.v6, CLIENT.v4, CLIENT.v6]);
  });

  test('shows origins the far end where somebody else’s proxy redirects', async () => {
    await using _server = await startServer(internet.far);
    const to = ['-s', FAR.v4, '-p', String(SERVER.port), '-m', SERVER.method, '-k', SERVER.password];
    await using proxy = start(internet.client, ['ss-redir', '-b', '::', '-l', '1111', ...to]);
    await proxy.says(/listening at/);
    const rules = `table inet other {
      chain output {
        type nat hook output priority -100;
        ip daddr { ${CHINA.v4}, ${FAR.v4} } return
        ip6 daddr ${CHINA.v6} return
        meta l4proto tcp redirect to :1111
      }
    }`;
    await internet.client.must(['nft', '-f', '-'], { stdin: rules });
    expect(await whoAmI()).toEqual([CLIENT.v4, CLIENT.v6, FAR.v4, FAR.v6]);
    await internet.client.must(['nft', 'flush', 'ruleset']);
  });

  test('leaves no namespace, no process and no file', async () => {
    let names: string[];
    let sleeper: Program;
    {
      await using brief = await createInternet();
      names = [brief.client, brief.world, brief.far].map(({ name }) => name);
      sleeper = start(brief.far, ['sleep', '1000']);
      expect(readdirSync('/run/netns')).toEqual(expect.arrayContaining(names));
      expect(existsSync(`/etc/netns/${brief.client.name}`)).toBe(true);
    }
    expect(await sleeper.ended()).toBeNull();
    for (const name of names) {
      expect(existsSync(`/run/netns/${name}`)).toBe(false);
      expect(existsSync(`/etc/netns/${name}`)).toBe(false);
    }
  });
});
