/** The resolver of a running snet on loopback, while the system's own resolvers change. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { Resolver } from 'node:dns/promises';
import { hasDns, startDns, warnOfUncaught, type DnsService } from '../../src/app/dns_service.ts';
import type { Policy } from '../../src/app/policy.ts';
import { silent } from '../../src/base/log.ts';
import { loadText } from '../../src/config/load.ts';
import type { Nameservers, SystemNameservers } from '../../src/dns/system_resolver.ts';
import { parseAddress, type Endpoint } from '../../src/net/address.ts';
import { direct } from '../../src/upstream/direct.ts';
import { single } from '../../src/upstream/single.ts';
import { answer } from '../dns/exchange/messages.ts';
import { folderForEach } from '../lab/folder.ts';

const at = (text: string, port = 53): Endpoint => ({ address: parseAddress(text)!, port });
const folder = folderForEach();
const undo: (() => unknown)[] = [];
let system: SystemNameservers;
let stamp: number;
let service: DnsService;
let asked: string[];

/** A resolver on loopback that says this address of every name. */
async function saying(label: string, address: string): Promise<Endpoint> {
  const socket = await Bun.udpSocket({
    hostname: '127.0.0.1',
    socket: {
      data(self, query, port, from) {
        asked.push(label);
        self.send(answer(new Uint8Array(query), [address]), port, from);
      },
    },
  });
  undo.push(() => socket.close());
  return at('127.0.0.1', socket.port);
}

/** One that nobody has, neither by UDP nor by TCP. */
async function freePort(): Promise<number> {
  for (;;) {
    const socket = await Bun.udpSocket({ hostname: '127.0.0.1', socket: {} });
    const { port } = socket;
    try {
      Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Somebody's by TCP: another one, then.
    } finally {
      socket.close();
    }
  }
}

const nameservers: Nameservers = {
  source: 'a test',
  stamp: () => String(stamp),
  read: () => Promise.resolve(system),
};

beforeEach(async () => {
  [asked, stamp] = [[], 0];
  const china = await saying('china', '11.0.0.1');
  system = { general: [await saying('home', '192.168.1.7')], domains: [], uncaught: [] };
  const dns = {
    port: await freePort(),
    china: [`127.0.0.1:${china.port}`],
    names: { china: ['*.corp.example'] },
    cache: { directory: folder.path },
  };
  const text = JSON.stringify({ upstream: 'socks5://192.0.2.1:1', dns });
  const { config } = loadText({ name: 'f', text });
  if (!hasDns(config)) throw new Error('no resolver');
  const policy = {
    isChinese: () => true,
    isSpecial: () => false,
    upstreams: single(direct),
    configured: [],
  } as unknown as Policy;
  service = await startDns(config, policy, silent, nameservers);
  undo.push(() => service.stop());
});
afterEach(async () => {
  for (const one of undo.splice(0).toReversed()) await one();
});

async function ask(name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${service.port}`]);
  return resolver.resolve4(name);
}

const vpn = async () => ({
  ...system,
  domains: [{ domain: 'corp.example', resolvers: [await saying('vpn', '10.8.0.7')] }],
});

test("a VPN's names are asked of its resolvers as soon as it is there, whatever is known of them, and no longer", async () => {
  const home = system;
  expect(await ask('git.corp.example')).toEqual(['11.0.0.1']);
  expect(await ask('git.corp.example')).toEqual(['11.0.0.1']);
  system = await vpn();
  await service.renew();
  expect(await ask('git.corp.example')).toEqual(['10.8.0.7']);
  expect(await ask('git.corp.example')).toEqual(['10.8.0.7']);
  expect(await ask('nas.lan')).toEqual(['192.168.1.7']);
  system = home;
  await service.renew();
  expect(await ask('git.corp.example')).toEqual(['11.0.0.1']);
  expect(asked).toEqual(['china', 'vpn', 'home', 'china']);
});

test('is noticed without being told, with the next question of any local name', async () => {
  expect(await ask('git.corp.example')).toEqual(['11.0.0.1']);
  system = await vpn();
  stamp++;
  await Bun.sleep(3_050);
  await ask('nas.lan');
  expect(await ask('git.corp.example')).toEqual(['10.8.0.7']);
});

test('on another network, local names are asked anew, and others given from the cache', async () => {
  const both = async () => [await ask('nas.lan'), await ask('git.corp.example')].flat();
  expect(await both()).toEqual(['192.168.1.7', '11.0.0.1']);
  system = { ...system, general: [await saying('cafe', '172.16.0.7')] };
  await service.renew();
  expect(await both()).toEqual(['172.16.0.7', '11.0.0.1']);
  expect(await both()).toEqual(['172.16.0.7', '11.0.0.1']);
  expect(asked).toEqual(['home', 'china', 'cafe']);
});

test.each([
  [false, ['warn fe80::1%en0', 'info 127.0.0.1']],
  [true, ['info 127.0.0.1']],
])('says whom rules can not catch (link-local ones: %p)', async (takesLinkLocal, expected) => {
  const lines: string[] = [];
  const say =
    (level: string) =>
    (_: string, fields: { readonly resolvers?: unknown } = {}) =>
      void lines.push(`${level} ${String(fields.resolvers)}`);
  const linkLocal = { address: { ...parseAddress('fe80::1')!, zone: 'en0' }, port: 53 };
  system = { general: [linkLocal, at('192.168.1.1')], domains: [], uncaught: [parseAddress('127.0.0.1')!] };
  await warnOfUncaught(nameservers, takesLinkLocal, { ...silent, warn: say('warn'), info: say('info') });
  expect(lines).toEqual(expected);
});
