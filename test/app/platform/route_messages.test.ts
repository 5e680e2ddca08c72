/** Messages in the form of route.c (network_cmds-741.100.2), with values like those that people have reported. */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { createRouteReader } from '../../../src/app/platform/route_messages.ts';

/** All that a reader says of the messages. */
function heard(...messages: string[]): string[] {
  const read = createRouteReader();
  return messages.flatMap((message) =>
    `\ngot message of size 140 on Mon Nov 23 12:00:00 2026\n${message}\n`
      .split('\n')
      .flatMap((line) => read(line) ?? []),
  );
}

const route = (
  type: string,
  destination: string,
  flags = 'UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL',
  more = '',
) =>
  `${type}: len 140, pid: 86, seq 1, errno 0, ${more}flags:<${flags}>\nlocks:  inits: \n` +
  `sockaddrs: <DST,GATEWAY,NETMASK,IFP,IFA>\n ${destination} 192.168.1.1 default index: 14 en0 192.168.1.5`;

const ADD = 'RTM_ADD: Add Route';
const DELETE = 'RTM_DELETE: Delete Route';
const CHANGE = 'RTM_CHANGE: Change Metrics or flags';
const CHANGED = ['the default route changed'];

describe('routes', () => {
  test.each([ADD, DELETE, CHANGE])('%s, of the default route', (type) => {
    expect(heard(route(type, 'default'))).toEqual(CHANGED);
    expect(heard(route(type, '::'))).toEqual(CHANGED);
  });

  test.each([
    ['to a network', route(ADD, '192.168.1.0')],
    [
      'to a host, by address resolution',
      route(ADD, '192.168.1.7', 'UP,HOST,DONE,LLINFO,WASCLONED,IFSCOPE,IFREF'),
    ],
    [
      'the default one of one interface',
      route(ADD, 'default', 'UP,GATEWAY,DONE,STATIC,IFSCOPE', 'ifscope 25, '),
    ],
    ['cloned from the default one', route(ADD, 'default', 'UP,GATEWAY,DONE,WASCLONED')],
    ['not taken by the kernel', route(ADD, 'default').replace('errno 0', 'errno 17')],
    ['asked for', route('RTM_GET: Report Metrics', 'default')],
    ['looked for in vain', route('RTM_MISS: Lookup failed on this address', '::', 'DONE')],
    ['looked for in vain, by name', route('RTM_MISS: Lookup failed on this address', 'default', 'DONE')],
    [
      'through another gateway',
      'RTM_CHANGE: Change Metrics or flags: len 140, pid: 0, seq 0, errno 0, flags:<UP>\nlocks:  inits: \nsockaddrs: <DST,GATEWAY>\n 10.0.0.0 default',
    ],
  ])('not one %s', (_, message) => {
    expect(heard(message)).toEqual([]);
  });
});

const address = (type: string, addresses: string) =>
  `${type} iface: len 112, metric 0, flags:<UP,CLONING>\nsockaddrs: <NETMASK,IFP,IFA,BRD>\n ${addresses}`;
const NEW = 'RTM_NEWADDR: address being added to';
const GONE = 'RTM_DELADDR: address being removed from';

describe('addresses', () => {
  test('that come and go', () => {
    expect(heard(address(NEW, '255.255.255.0 index: 14 en0 192.168.1.5 192.168.1.255'))).toEqual([
      'an address came',
    ]);
    expect(heard(address(GONE, 'ffff:ffff:ffff:ffff:: index: 14 en0 2001:db8::5'))).toEqual([
      'an address is gone',
    ]);
    // A VPN's: point to point.
    expect(heard(address(NEW, '255.255.255.255 index: 25 utun4 10.8.0.2 10.8.0.1'))).toEqual([
      'an address came',
    ]);
  });

  test.each([
    [
      'of the link: AirDrop',
      'ffff:ffff:ffff:ffff:: index: 16 awdl0:2.7.1.0.0.1 fe80::7c5b:ff:fe12:3456%awdl0',
    ],
    ['of the machine itself', '255.0.0.0 index: 1 lo0 127.0.0.2 127.0.0.2'],
    ['that is none yet', '255.255.255.0 index: 14 en0 0.0.0.0 default'],
    ['that can not be read', '(18) 4 0 invalid'],
  ])('none %s', (_, addresses) => {
    expect(heard(address(NEW, addresses))).toEqual([]);
  });
});

const interfaceWith = (index: number, flags: string) =>
  `RTM_IFINFO: iface status change: len 112, if# ${index}, flags:<${flags}>`;
const UP = 'UP,BROADCAST,b6,RUNNING,SIMPLEX,MULTICAST';

describe('interfaces', () => {
  test('that go down and come up again', () => {
    expect(
      heard(
        interfaceWith(5, UP),
        interfaceWith(5, 'UP,BROADCAST,b6,SIMPLEX,MULTICAST'),
        interfaceWith(5, 'BROADCAST,b6,SIMPLEX,MULTICAST'),
        interfaceWith(5, UP),
      ),
    ).toEqual(['an interface is down', 'an interface is up']);
  });

  // Recorded on macOS 10.14 or 10.15, 2020-05: every 15 seconds, since something listened to all packets.
  test('and not what else is told of them', () => {
    expect(
      heard(
        interfaceWith(5, 'UP,BROADCAST,b6,RUNNING,PPROMISC,SIMPLEX,MULTICAST'),
        interfaceWith(5, UP),
        interfaceWith(12, 'UP,PTP,RUNNING,PPROMISC,MULTICAST'),
        interfaceWith(12, 'UP,PTP,RUNNING,MULTICAST'),
        interfaceWith(1, 'LOOPBACK'),
      ),
    ).toEqual([]);
  });
});

test('messages one after the other are not mixed up', () => {
  const cut = route(ADD, '10.0.0.0').split('\n').slice(0, 2).join('\n');
  expect(
    heard(
      address(NEW, '255.255.255.0 index: 14 en0 192.168.1.5 192.168.1.255'),
      cut,
      interfaceWith(5, UP),
      `RTM_NEWMADDR: new multicast group membership on iface: len 68, \nsockaddrs: <IFP,IFA>\n default 224.0.0.251`,
      route(DELETE, 'default'),
    ),
  ).toEqual(['an address came', 'the default route changed']);
});

test('whatever is printed', () => {
  const words = fc.constantFrom(
    'RTM_ADD: ',
    'RTM_NEWADDR: ',
    'RTM_IFINFO: ',
    'errno 0, ',
    'sockaddrs: ',
    ' default',
    'flags:<UP,',
    '\n',
    '>\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ unit: 'binary' }))), (parts) => {
      expect(heard(parts.join(''), route(ADD, 'default')).at(-1)).toBe('the default route changed');
    }),
  );
});
