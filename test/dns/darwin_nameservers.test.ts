import { describe, expect, test } from 'bun:test';
import { RunError, type Finished, type Runner } from '../../src/base/runner.ts';
import { resolversIn, scutilNameservers } from '../../src/dns/darwin_nameservers.ts';
import { parseScutilDns } from '../../src/dns/scutil_dns.ts';
import type { SystemNameservers } from '../../src/dns/system_resolver.ts';
import { formatAddress, formatEndpoint } from '../../src/net/address.ts';
import { folderForEach } from '../lab/folder.ts';
import { SCUTIL } from './scutil_outputs.ts';

const short = ({ general, domains, uncaught }: SystemNameservers) => ({
  general: general.map(formatEndpoint),
  ...(domains.length > 0 && {
    domains: Object.fromEntries(
      domains.map(({ domain, resolvers }) => [domain, resolvers.map(formatEndpoint)]),
    ),
  }),
  ...(uncaught.length > 0 && { uncaught: uncaught.map(formatAddress) }),
});

/** A listing with one line of fields a resolver. */
const listing = (...resolvers: string[]) =>
  resolvers.map((fields, i) => `resolver #${i + 1}\n  ${fields.replaceAll('; ', '\n  ')}\n`).join('\n');
const found = (...resolvers: string[]) => short(resolversIn(parseScutilDns(listing(...resolvers))));

describe('resolversIn', () => {
  test('the first for all names, and not those of multicast', () => {
    const { general } = resolversIn(parseScutilDns(SCUTIL.linkLocal));
    expect(general.map(formatEndpoint)).toEqual(['[fe80::8e3b:adff:fead:7bf6%en0]:53', '192.168.1.1:53']);
  });

  test('a VPN that takes all names is asked in the place of the network', () => {
    expect(short(resolversIn(parseScutilDns(SCUTIL.vpnForAll)))).toEqual({
      general: ['100.100.111.1:53', '[fd00:2021:1111:8000:100:100:111:0]:53'],
    });
  });

  test('domains with resolvers of their own', () => {
    expect(short(resolversIn(parseScutilDns(SCUTIL.tailscale)))).toEqual({
      general: ['192.168.100.101:53', '192.168.100.102:53'],
      domains: { 'tail3b1a8.ts.net': ['100.100.100.100:53'], '64.100.in-addr.arpa': ['100.100.100.100:53'] },
    });
  });

  test('of one domain in two VPNs, the lower order', () => {
    expect(
      found(
        'domain   : corp.example; nameserver[0] : 10.0.0.2; order    : 102000',
        'domain   : corp.example; nameserver[0] : 10.0.0.1; order    : 101000',
      ),
    ).toEqual({ general: [], domains: { 'corp.example': ['10.0.0.1:53'] } });
  });

  test('one to which there is a way before one to which there is none', () => {
    const gone = 'nameserver[0] : 10.0.0.1; reach    : 0x00000000 (Not Reachable); order    : 1000';
    const there = 'nameserver[0] : 192.0.2.1; reach    : 0x00000002 (Reachable)';
    expect(found(gone, there)).toEqual({ general: ['192.0.2.1:53'] });
    expect(found(gone)).toEqual({ general: ['10.0.0.1:53'] });
  });

  test('search domains say nothing of whom to ask', () => {
    expect(found('search domain[0] : com; nameserver[0] : 192.0.2.1')).toEqual({ general: ['192.0.2.1:53'] });
  });

  test('a port, as for names of development', () => {
    expect(found('domain   : test; nameserver[0] : 127.0.0.1; port     : 20560')).toEqual({
      general: [],
      domains: { test: ['127.0.0.1:20560'] },
    });
  });

  test('a forwarder beside a real one', () => {
    expect(found('nameserver[0] : 127.0.0.1; nameserver[1] : 192.0.2.1')).toEqual({
      general: ['192.0.2.1:53'],
      uncaught: ['127.0.0.1'],
    });
  });
});

describe('scutilNameservers', () => {
  const folder = folderForEach();

  /** @param says what a program prints, by its whole command; what is missing isn't there */
  function reader(says: Readonly<Record<string, string | Partial<Finished>>>) {
    const runner: Runner = {
      async run(argv) {
        const said = says[argv.join(' ')];
        if (said === undefined) throw new RunError('ERR_RUN_MISSING', `no ${argv[0]}`);
        const finished = { code: 0, stdout: '', stderr: '' };
        return typeof said === 'string' ? { ...finished, stdout: said } : { ...finished, ...said };
      },
      start: () => {
        throw new TypeError('nothing is to be started');
      },
    };
    let time = 0;
    const resolvConf = folder.file('resolv.conf');
    return {
      resolvConf,
      nameservers: scutilNameservers(runner, { resolvConf, now: () => time }),
      pass: (milliseconds: number) => (time += milliseconds),
    };
  }

  test('whom scutil names', async () => {
    const { nameservers } = reader({ 'scutil --dns': SCUTIL.fritzBox });
    expect(short(await nameservers.read()).general[0]).toBe('192.168.10.1:53');
  });

  test.each([
    ['is not there', {}],
    ['fails', { 'scutil --dns': { code: 1, stdout: SCUTIL.fritzBox } }],
    ['names nobody', { 'scutil --dns': SCUTIL.offline }],
    ['says something else', { 'scutil --dns': 'No DNS configuration available\n' }],
  ] as [string, Record<string, string | Partial<Finished>>][])(
    'resolv.conf, where scutil %s',
    async (_, says) => {
      const { nameservers, resolvConf } = reader(says);
      await Bun.write(resolvConf, '# macOS Notice\nsearch lan\nnameserver 192.0.2.1\n');
      expect(short(await nameservers.read())).toEqual({ general: ['192.0.2.1:53'] });
    },
  );

  test('nobody, where there is nothing at all', async () => {
    expect(short(await reader({}).nameservers.read())).toEqual({ general: [] });
  });

  const forwarder = listing('nameserver[0] : 127.0.0.1; if_index : 14 (en0)');

  test('behind a forwarder of this machine, whom DHCP has named', async () => {
    const dhcp = { 'ipconfig getoption en0 domain_name_server': '192.168.1.1\n' };
    expect(short(await reader({ 'scutil --dns': forwarder, ...dhcp }).nameservers.read())).toEqual({
      general: ['192.168.1.1:53'],
      uncaught: ['127.0.0.1'],
    });
  });

  test.each([
    ['nobody', {}],
    ['nothing', { 'ipconfig getoption en0 domain_name_server': { code: 1, stdout: '' } }],
    ['no address', { 'ipconfig getoption en0 domain_name_server': 'dns.example' }],
    ['the machine itself', { 'ipconfig getoption en0 domain_name_server': '127.0.0.1' }],
  ] as [string, Record<string, string | Partial<Finished>>][])(
    'the forwarder itself, where DHCP names %s',
    async (_, says) => {
      expect(short(await reader({ 'scutil --dns': forwarder, ...says }).nameservers.read())).toEqual({
        general: ['127.0.0.1:53'],
        uncaught: ['127.0.0.1'],
      });
    },
  );

  test('is to be read again when resolv.conf changes, and now and then in any case', async () => {
    const { nameservers, resolvConf, pass } = reader({});
    const first = nameservers.stamp();
    pass(20_000);
    expect(nameservers.stamp()).toBe(first);
    await Bun.write(resolvConf, 'nameserver 192.0.2.1\n');
    const second = nameservers.stamp();
    expect(second).not.toBe(first);
    pass(10_000);
    expect(nameservers.stamp()).not.toBe(second);
  });

  test('does not hide a fault of ours', async () => {
    const runner = { run: () => Promise.reject(new TypeError('ours')) } as unknown as Runner;
    expect(scutilNameservers(runner).read()).rejects.toThrow('ours');
  });
});
