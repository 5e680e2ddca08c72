import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import type { SocketAddress } from '../../../ffi/sockaddr.ts';
import { parseStates } from '../../../src/inbound/natlook/state_table.ts';
import { formatAddress, formatEndpoint, parseAddress, type Endpoint } from '../../../src/net/address.ts';

const end = (text: string, port: number): SocketAddress => ({ ...parseAddress(text)!, port });
const told = (found: Endpoint | string | undefined) =>
  found === undefined || typeof found === 'string' ? found : formatEndpoint(found);

/**
 * The first two as macOS 15 and 26 print them (reports of shadowsocks-rust and meow-rs), the rest as print_state of
 * pfctl makes them.
 */
const TABLE = `No ALTQ support in kernel
ALL tcp 127.0.0.1:1111 <- 1.1.1.1:80 <- 192.168.5.98:49299       ESTABLISHED:ESTABLISHED
ALL tcp 192.168.5.98:49299 -> 1.1.1.1:80       ESTABLISHED:ESTABLISHED
ALL tcp 192.168.5.98:49299 <- 1.1.1.1:80       ESTABLISHED:ESTABLISHED
ALL udp 127.0.0.1:1111 <- 8.8.8.8:53 <- 192.168.5.98:49299       SINGLE:MULTIPLE
ALL tcp ::1[1111] <- 2606:4700:4700::1111[443] <- 2001:db8::98[49300]       SYN_SENT:ESTABLISHED
ALL 6 127.0.0.1:1111 <- 9.9.9.9:443 <- 192.168.5.98:49301       PROXY:DST
en0 tcp 127.0.0.1:1111 <- 9.9.9.10:443 <- 192.168.5.98:49302       <BAD STATE LEVELS 12:13>
ALL tcp 10.0.0.2:5000 -> 192.168.5.98:61000 -> 1.1.1.2:80       ESTABLISHED:ESTABLISHED
ALL tcp ::1[1111] <- fe80:4::1%en0[22] <- fe80:4::98[49303]       ESTABLISHED:ESTABLISHED
ALL icmp 192.168.5.98:8 <- 1.1.1.1:0       0:0
`;

describe('parseStates()', () => {
  const states = parseStates(TABLE);

  test.each<[client: SocketAddress, local: SocketAddress, destination: string | undefined]>([
    [end('192.168.5.98', 49_299), end('127.0.0.1', 1111), '1.1.1.1:80'],
    [end('2001:db8::98', 49_300), end('::1', 1111), '[2606:4700:4700::1111]:443'],
    [end('192.168.5.98', 49_301), end('127.0.0.1', 1111), '9.9.9.9:443'],
    [end('192.168.5.98', 49_302), end('127.0.0.1', 1111), '9.9.9.10:443'],
    // On the wire a link-local address has no number of an interface in it.
    [end('fe80::98', 49_303), end('::1', 1111), '[fe80::1%en0]:22'],
    [end('fe80:4::98', 49_303), end('::1', 1111), '[fe80::1%en0]:22'],
    // Another client, another listener, what went out, what nobody redirected.
    [end('192.168.5.98', 49_298), end('127.0.0.1', 1111), undefined],
    [end('192.168.5.98', 49_299), end('127.0.0.1', 1112), undefined],
    [end('1.1.1.2', 80), end('10.0.0.2', 5000), undefined],
    [end('1.1.1.1', 80), end('192.168.5.98', 49_299), undefined],
  ])('%j to %j', (client, local, destination) => expect(told(states.find(client, local))).toBe(destination));

  test('gives bytes that can be kept', () => {
    const found = states.find(end('192.168.5.98', 49_299), end('127.0.0.1', 1111)) as Endpoint;
    expect(found).toEqual({ address: { family: 4, bytes: Uint8Array.of(1, 1, 1, 1) }, port: 80 });
  });

  const line = (destination: string, progress: string) =>
    `ALL tcp 127.0.0.1:1111 <- ${destination} <- 10.0.0.1:5000       ${progress}`;
  const found = (...lines: string[]) =>
    told(parseStates(lines.join('\n')).find(end('10.0.0.1', 5000), end('127.0.0.1', 1111)));

  test('takes what is established rather than what has ended', () => {
    const ended = line('1.1.1.1:80', 'FIN_WAIT_2:FIN_WAIT_2');
    const established = line('2.2.2.2:80', 'ESTABLISHED:ESTABLISHED');
    expect(found(ended)).toBe('1.1.1.1:80');
    expect(found(ended, established)).toBe('2.2.2.2:80');
    expect(found(established, ended)).toBe('2.2.2.2:80');
    expect(found(ended, ended)).toBe('1.1.1.1:80');
  });

  test('says that it can not tell', () => {
    const two = ['1.1.1.1:80', '1.1.1.1:81'];
    expect(found(...two.map((each) => line(each, 'ESTABLISHED:ESTABLISHED')))).toBe('ambiguous');
    expect(found(...two.map((each) => line(each, 'SYN_SENT:CLOSED')))).toBe('ambiguous');
  });

  test.each([
    '',
    'ALL tcp',
    'ALL tcp 127.0.0.1:1111 <- 1.1.1.1:80 <- 10.0.0.1:5000',
    line('1.1.1.256:80', 'ESTABLISHED:ESTABLISHED'),
    line('1.1.1.1:0', 'ESTABLISHED:ESTABLISHED'),
    line('1.1.1.1:65536', 'ESTABLISHED:ESTABLISHED'),
    line('1.1.1.1[80]', 'ESTABLISHED:ESTABLISHED'),
    line('2001:db8::1:80', 'ESTABLISHED:ESTABLISHED'),
    line('2001:db8::1%en0[80]', 'ESTABLISHED:ESTABLISHED'),
    line('name.example:80', 'ESTABLISHED:ESTABLISHED'),
    line('1.1.1.1', 'ESTABLISHED:ESTABLISHED'),
  ])('passes over %j', (text) => expect(found(text)).toBeUndefined());

  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      // Neither link-local nor IPv4-mapped.
      .map((bytes) => bytes.with(0, 0x20)),
  );
  const ends = fc.tuple(address, fc.integer({ min: 1, max: 65_535 }));

  test('finds whatever is in the table, and only that', () => {
    const printed = ([bytes, port]: readonly [Uint8Array, number]) =>
      bytes.length === 4
        ? `${formatAddress({ family: 4, bytes })}:${port}`
        : `${formatAddress({ family: 6, bytes })}[${port}]`;
    const asked = ([bytes, port]: readonly [Uint8Array, number]): SocketAddress => ({
      family: bytes.length === 4 ? 4 : 6,
      bytes,
      port,
    });
    fc.assert(
      fc.property(fc.uniqueArray(ends, { minLength: 4, selector: printed }), (all) => {
        const [local, stranger, ...clients] = all;
        const text = clients.map(
          (client) => `ALL tcp ${printed(local!)} <- ${printed(client)} <- ${printed(client)}       X:Y\n`,
        );
        const table = parseStates(text.join(''));
        expect(table.find(asked(stranger!), asked(local!))).toBeUndefined();
        for (const client of clients) {
          const { family, bytes, port } = asked(client);
          expect(table.find(asked(client), asked(local!))).toEqual({ address: { family, bytes }, port });
        }
      }),
    );
  });

  test('lives with any text, in no time', () => {
    const piece = fc.constantFrom(
      'ALL ',
      'tcp ',
      ' <- ',
      '1.1.1.1:80',
      '::1[80]',
      '%',
      ' ',
      '\n',
      ':',
      'f',
      'a:b',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((parts) => parts.join('')),
        ),
        (text) => {
          expect(parseStates(text).find(end('10.0.0.1', 1), end('127.0.0.1', 1))).toBeUndefined();
        },
      ),
    );
    for (const part of ['a', ':', ' ', '1.1.1.1:1 <- ', '%x', '['])
      parseStates(`ALL tcp ${part.repeat(200_000)}`);
  });
});
