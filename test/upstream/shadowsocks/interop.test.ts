/** Against shadowsocks-libev, over the loopback of a network namespace: our client, its server; its client, our server. */
import { expect, test } from 'bun:test';
import { SHADOWSOCKS_METHODS } from '../../../src/config/shadowsocks_methods.ts';
import { Netns } from '../../lab/netns.ts';
import { describeNeeding } from '../../needs.ts';

const SCRIPT = new URL('interop.ts', import.meta.url).pathname;

describeNeeding(['root', 'ip', 'ss-server', 'ss-tunnel'], 'shadowsocks-libev', () => {
  test.each(SHADOWSOCKS_METHODS)(
    '%s: IPv4, IPv6 and names, a server that speaks first, 700 kB each way',
    async (name) => {
      await using ns = await Netns.create('ss');
      await ns.must(['ip', 'addr', 'add', '10.9.0.1/32', 'dev', 'lo']);
      await ns.must(['ip', 'addr', 'add', 'fd00:9::1/128', 'dev', 'lo']);
      const { code, stdout, stderr } = await ns.script(SCRIPT, [name]);
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      const well = { greeted: true, echoed: true };
      expect(JSON.parse(stdout).results).toEqual([
        { client: 'snet', host: '10.9.0.1', ...well },
        { client: 'snet', host: 'fd00:9::1', ...well },
        { client: 'snet', host: 'localhost', ...well },
        { client: 'libev', host: '10.9.0.1', asked: true, ...well },
        { client: 'libev', host: 'fd00:9::1', asked: true, ...well },
        { client: 'libev', host: 'origin.example', asked: true, ...well },
      ]);
    },
  );
});
