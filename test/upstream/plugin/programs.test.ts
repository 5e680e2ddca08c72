/** With the plugins that Debian has, and the same ones before shadowsocks-libev's server, each end in a namespace of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createCertificates, NAME, type Certificates } from '../../dns/exchange/certificates.ts';
import { Netns, join } from '../../lab/netns.ts';
import { startPluginServer } from '../../lab/plugin_server.ts';
import { start } from '../../lab/program.ts';
import { describeNeeding } from '../../needs.ts';
import { ORIGIN } from '../shadowsocks/conversation.ts';
import type { Report, Task } from './scripts/through.ts';

const script = (name: string) => new URL(`scripts/${name}`, import.meta.url).pathname;

const SERVER = { v4: '10.9.1.2', v6: 'fd00:91::2' };
const PASSWORD = 'correct horse';
const GID = 4_711;
const SIZE = 8 << 20;

/**
 * Counts the connections to the servers: those of our group, and those that a redirection would have caught. Like that, it
 * is about first packets only: those of a socket that has been closed have no group any more.
 */
const GUARD = `table inet guard {
  counter exempt { }
  counter caught { }
  chain output {
    type filter hook output priority 0;
    tcp flags & (syn | ack) != syn accept
    meta skgid ${GID} tcp dport { 8388, 443 } counter name exempt accept
    tcp dport { 8388, 443 } counter name caught reject with tcp reset
  }
}
`;

interface Pairing {
  readonly client: string;
  readonly server: string;
  readonly port: number;
  /** Of both ends; the server's has `server` in front where it must know. */
  readonly options: (certificates: Certificates) => { readonly client: string; readonly server: string };
}

const OBFS = { client: 'obfs-local', server: 'obfs-server' };
const V2RAY = { client: 'v2ray-plugin', server: 'ss-v2ray-plugin', port: 443 };

const PAIRINGS: Readonly<Record<string, Pairing>> = {
  'obfs-local, http': {
    ...OBFS,
    port: 8388,
    options: () => ({ client: 'obfs=http;obfs-host=www.example.com', server: 'obfs=http' }),
  },
  'obfs-local, tls': {
    ...OBFS,
    port: 443,
    options: () => ({ client: 'obfs=tls;obfs-host=www.example.com', server: 'obfs=tls' }),
  },
  'v2ray-plugin, websocket': {
    ...V2RAY,
    options: () => ({ client: `host=${NAME};path=/way-in`, server: 'server;path=/way-in' }),
  },
  'v2ray-plugin, websocket in TLS': {
    ...V2RAY,
    options: (certificates) => ({
      client: `tls;host=${NAME};cert=${certificates.authority};path=/way-in`,
      server: `server;tls;host=${NAME};path=/way-in;cert=${certificates.certificate('good')};key=${certificates.key('good')}`,
    }),
  },
};

const NEEDS = ['root', 'ip', 'ss', 'nft', 'openssl', 'setpriv', 'ss-server', 'obfs-local', 'ss-v2ray-plugin'];

describeNeeding(NEEDS, 'plugins of others', () => {
  let undo: AsyncDisposableStack;
  let client: Netns;
  let far: Netns;
  let certificates: Certificates;
  let originPort: number;

  beforeAll(async () => {
    undo = new AsyncDisposableStack();
    certificates = undo.use(await createCertificates());
    client = undo.use(await Netns.create('client'));
    far = undo.use(await Netns.create('far'));
    await join(
      { ns: client, device: 'uplink', addresses: ['10.9.1.1/24', 'fd00:91::1/64'] },
      { ns: far, device: 'uplink', addresses: [`${SERVER.v4}/24`, `${SERVER.v6}/64`] },
    );
    await far.batch([`addr add ${ORIGIN.v4}/32 dev lo`, `addr add ${ORIGIN.v6}/128 dev lo nodad`]);
    const origin = undo.use(start(far, [process.execPath, script('origin.ts')]));
    originPort = Number((await origin.says(/^port (\d+)$/m))[1]);
  });
  afterAll(() => undo.disposeAsync());

  describe.each(Object.entries(PAIRINGS))('%s', (_, pairing) => {
    test.each(Object.entries(SERVER))(
      'over %s: a server that speaks first, 8 MiB each way, to addresses and names; back when killed; from our group',
      async (_family, address) => {
        const options = pairing.options(certificates);
        const server = { method: 'aes-256-gcm', password: PASSWORD, port: pairing.port };
        await using _server = await startPluginServer(far, server, pairing.server, options.server);
        await client.must(['nft', '-f', '-'], { stdin: `flush ruleset\n${GUARD}` });
        const task: Task = {
          program: pairing.client,
          options: options.client,
          server: { address, port: pairing.port },
          password: PASSWORD,
          originPort,
          gid: GID,
          size: SIZE,
        };
        const { code, stdout, stderr } = await client.script(script('through.ts'), [JSON.stringify(task)]);
        expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
        const well = { greeted: true, echoed: true };
        const hosts = [ORIGIN.v4, ORIGIN.v6, 'localhost'];
        expect(JSON.parse(stdout) as Report).toEqual({
          heard: hosts.map((host) => ({ host, ...well })),
          afterDeath: well,
          children: [1, 0],
        });
        expect(stderr).not.toContain('way-in');
        const packets = await client.must(['nft', 'list', 'counters']);
        expect(packets).toMatch(/counter exempt \{\s+packets [1-9]/);
        expect(packets).toMatch(/counter caught \{\s+packets 0 /);
      },
    );
  });
});
