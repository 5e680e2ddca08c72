import { beforeEach, describe, expect, test } from 'bun:test';
import { rename } from 'node:fs/promises';
import type { Exchange, ExchangeError } from '../../src/dns/exchange/exchange.ts';
import type { Question } from '../../src/dns/question.ts';
import {
  createSystemResolver,
  generalOnly,
  nameserversIn,
  readNameservers,
  type SystemNameservers,
} from '../../src/dns/system_resolver.ts';
import { formatAddress, formatEndpoint, parseAddress, type Endpoint } from '../../src/net/address.ts';
import { folderForEach } from '../lab/folder.ts';

const FILES = { resolvConf: 'etc', behindForwarder: ['resolved', 'manager'] };

describe('readNameservers', () => {
  test.each([
    ['plain', { etc: 'nameserver 192.0.2.1' }, ['192.0.2.1']],
    [
      'the stub of systemd-resolved',
      { etc: 'nameserver 127.0.0.53', resolved: 'nameserver 192.0.2.1' },
      ['192.0.2.1'],
    ],
    [
      'dnsmasq of NetworkManager',
      { etc: 'nameserver 127.0.0.1', manager: 'nameserver 2001:db8::1' },
      ['2001:db8::1'],
    ],
    ['a forwarder beside a real one', { etc: 'nameserver 127.0.0.1\nnameserver 192.0.2.1' }, ['192.0.2.1']],
    [
      'a real one and a leftover of systemd',
      { etc: 'nameserver 192.0.2.1', resolved: 'nameserver 192.0.2.2' },
      ['192.0.2.1'],
    ],
    ['nobody behind the stub', { etc: 'nameserver 127.0.0.54', resolved: 'nameserver ::1' }, ['127.0.0.54']],
    ['no file at all', {}, []],
  ] as [string, Record<string, string>, string[]][])('%s', (_, files, expected) => {
    const found = readNameservers(FILES, (path) => files[path] ?? '');
    expect(found.map(formatAddress)).toEqual(expected);
  });
});

describe('createSystemResolver', () => {
  const folder = folderForEach();
  let path: string;
  let now = 0;
  let opened: string[];
  let closed: string[];
  let resolver: Exchange;
  const question = {} as Question;

  beforeEach(() => {
    path = folder.file('resolv.conf');
    now = 0;
    opened = [];
    closed = [];
    resolver = createSystemResolver({
      nameservers: nameserversIn({ resolvConf: path, behindForwarder: [] }),
      domainsChanged: () => {},
      now: () => now,
      open(addresses) {
        const label = addresses.map(({ address }) => formatAddress(address)).join();
        opened.push(label);
        return {
          label,
          ask: () => Promise.resolve(new TextEncoder().encode(label)),
          close: () => void closed.push(label),
        };
      },
    });
  });

  const ask = async () => {
    const { signal } = new AbortController();
    return new TextDecoder().decode(await resolver.ask(new Uint8Array(12), question, { signal }));
  };
  const failure = () => ask().then(String, (error: ExchangeError) => error.status);
  const write = async (text: string) => {
    await Bun.write(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };

  test('asks all that are named, link-local ones too', async () => {
    await write('nameserver 192.0.2.1\nnameserver fe80::1%eth0\n');
    expect(await ask()).toBe('192.0.2.1,fe80::1%eth0');
    expect(resolver.label).toBe('system (192.0.2.1, fe80::1%eth0)');
  });

  test('follows the file, but does not look at it for each query', async () => {
    await write('nameserver 192.0.2.1');
    expect(await ask()).toBe('192.0.2.1');
    await write('nameserver 192.0.2.2');
    now = 2_999;
    expect(await ask()).toBe('192.0.2.1');
    now = 3_000;
    expect(await ask()).toBe('192.0.2.2');
    expect(closed).toEqual(['192.0.2.1']);
    await write('# touched\nnameserver 192.0.2.2');
    now = 6_000;
    expect(await ask()).toBe('192.0.2.2');
    expect(opened).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  test('fails, and recovers, where nobody is named', async () => {
    expect(await failure()).toBe('ERR_DNS_UNREACHABLE');
    await write('nameserver 192.0.2.1');
    now = 3_000;
    expect(await ask()).toBe('192.0.2.1');
    await write('');
    now = 6_000;
    expect(await failure()).toBe('ERR_DNS_UNREACHABLE');
    expect(closed).toEqual(['192.0.2.1']);
  });

  test('asks nobody once it is closed', async () => {
    await write('nameserver 192.0.2.1');
    await ask();
    resolver.close();
    expect(closed).toEqual(['192.0.2.1']);
    expect(await failure()).toBe('ERR_DNS_UNREACHABLE');
  });
});

describe('createSystemResolver, of a system with domains', () => {
  const at = (text: string, port = 53): Endpoint => ({ address: parseAddress(text)!, port });
  const home = generalOnly([parseAddress('192.168.1.1')!]);
  const withVpn: SystemNameservers = {
    ...home,
    domains: [
      { domain: 'corp.example', resolvers: [at('10.8.0.1')] },
      { domain: 'lab.corp.example', resolvers: [at('10.9.0.1', 5300), at('10.9.0.2')] },
    ],
  };
  let system: SystemNameservers;
  let now = 0;
  let reads: number;
  let happened: string[];

  function resolver() {
    system = withVpn;
    reads = 0;
    happened = [];
    return createSystemResolver({
      nameservers: { source: 'a test', stamp: () => '', read: () => (reads++, Promise.resolve(system)) },
      domainsChanged: () => happened.push('domains changed'),
      now: () => now,
      open(resolvers) {
        const label = resolvers.map(formatEndpoint).join();
        return {
          label,
          ask: () => Promise.resolve(new TextEncoder().encode(label)),
          renew: () => void happened.push(`renew ${label}`),
          close: () => void happened.push(`close ${label}`),
        };
      },
    });
  }

  const ask = async (of: Exchange, name: string) => {
    const { signal } = new AbortController();
    return new TextDecoder().decode(await of.ask(new Uint8Array(12), { name } as Question, { signal }));
  };

  test('asks for a name whoever is there for the longest domain that it is in', async () => {
    const asked = resolver();
    expect(await ask(asked, 'example.com')).toBe('192.168.1.1:53');
    expect(await ask(asked, 'corp.example')).toBe('10.8.0.1:53');
    expect(await ask(asked, 'git.corp.example')).toBe('10.8.0.1:53');
    expect(await ask(asked, 'a.lab.corp.example')).toBe('10.9.0.1:5300,10.9.0.2:53');
    expect(await ask(asked, 'notcorp.example')).toBe('192.168.1.1:53');
    expect(asked.label).toBe(
      'system (192.168.1.1, corp.example: 10.8.0.1, lab.corp.example: 10.9.0.1:5300, 10.9.0.2)',
    );
  });

  test('names of domains are local while they are there', async () => {
    const asked = resolver();
    expect(asked.domains.has('git.corp.example')).toBe(false);
    await asked.reread();
    expect(asked.domains.has('git.corp.example')).toBe(true);
    expect(asked.domains.find('git.corp.example')?.entry).toBe('*.corp.example');
    expect(asked.domains.has('example.com')).toBe(false);
    system = home;
    await asked.reread();
    expect(asked.domains.has('git.corp.example')).toBe(false);
    expect(await ask(asked, 'git.corp.example')).toBe('192.168.1.1:53');
  });

  test('told to read again, it connects anew to those that stay, and closes those that are gone', async () => {
    const asked = resolver();
    await ask(asked, 'example.com');
    expect(reads).toBe(1);
    system = { ...home, domains: [withVpn.domains[0]!] };
    await asked.reread();
    expect(reads).toBe(2);
    expect(happened).toEqual([
      'domains changed',
      'close 10.9.0.1:5300,10.9.0.2:53',
      'domains changed',
      'renew 192.168.1.1:53',
      'renew 10.8.0.1:53',
    ]);
  });

  test('tells when the domains become others, and only then', async () => {
    const asked = resolver();
    const changes = async (next: SystemNameservers) => {
      happened = [];
      system = next;
      await asked.reread();
      return happened.includes('domains changed');
    };
    expect(await changes(withVpn)).toBe(true);
    expect(await changes({ ...withVpn, general: [at('192.168.7.1')] })).toBe(false);
    expect(await changes(home)).toBe(true);
    expect(await changes(home)).toBe(false);
  });

  test('told to read while it reads, it reads once more', async () => {
    const asked = resolver();
    const first = ask(asked, 'example.com');
    await asked.reread();
    await first;
    expect(reads).toBe(2);
  });

  test('told to read once it is closed, it does nothing', async () => {
    const asked = resolver();
    asked.close();
    await asked.reread();
    expect([reads, happened]).toEqual([0, []]);
  });
});
