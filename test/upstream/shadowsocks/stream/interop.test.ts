/** With the server of shadowsocks-libev, over the loopback of a network namespace. */
import { expect, test } from 'bun:test';
import { STREAM_METHODS } from '../../../../src/config/shadowsocks_methods.ts';
import { Netns } from '../../../lab/netns.ts';
import { describeNeeding } from '../../../needs.ts';
import { ORIGIN } from '../conversation.ts';

const SCRIPT = new URL('interop.ts', import.meta.url).pathname;

describeNeeding(['root', 'ip', 'ss-server'], 'stream methods of shadowsocks-libev', () => {
  test.each(STREAM_METHODS)(
    '%s: IPv4, IPv6 and names, a server that speaks first, 8 MiB each way',
    async (method) => {
      await using ns = await Netns.create('stream');
      await ns.batch([`addr add ${ORIGIN.v4}/32 dev lo`, `addr add ${ORIGIN.v6}/128 dev lo`]);
      const { code, stdout, stderr } = await ns.script(SCRIPT, [method]);
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      const hosts = [ORIGIN.v4, ORIGIN.v6, 'localhost'];
      expect(JSON.parse(stdout)).toEqual(hosts.map((host) => ({ host, greeted: true, echoed: true })));
    },
  );
});
