import { beforeEach, describe, expect, test } from 'bun:test';
import { rename } from 'node:fs/promises';
import type { Exchange, ExchangeError } from '../../src/dns/exchange/exchange.ts';
import type { Question } from '../../src/dns/question.ts';
import { createSystemResolver, readNameservers, nameserversIn } from '../../src/dns/system_resolver.ts';
import { formatAddress } from '../../src/net/address.ts';
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
      now: () => now,
      open(addresses) {
        const label = addresses.map(formatAddress).join();
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
