import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../../src/net/address.ts';
import { forgetTracked, listTracked, readTracked } from '../../../src/redirect/conntrack/tracked.ts';
import { readReplies } from '../../../src/redirect/nftables/message.ts';

/** Written by hand after linux/netfilter/nfnetlink_conntrack.h: 192.0.2.2:9053 asked 192.0.2.1:53, over UDP. */
const ASKED = [
  '3400 0180', // CTA_TUPLE_ORIG
  '1400 0180 0800 0100 c0000202 0800 0200 c0000201', // CTA_TUPLE_IP: source, destination
  '1c00 0280 0500 0100 11 000000 0600 0200 235d 0000 0600 0300 0035 0000', // CTA_TUPLE_PROTO
];
/** 127.0.0.1:1053 answers. */
const ANSWERED = [
  '3400 0280', // CTA_TUPLE_REPLY
  '1400 0180 0800 0100 7f000001 0800 0200 c0000202',
  '1c00 0280 0500 0100 11 000000 0600 0200 041d 0000 0600 0300 235d 0000',
];
const ID = ['0800 0c00 0badcafe'];
const ZONE = ['0600 1200 0007 0000'];

const hex = (...parts: readonly string[]) => parts.join('').replaceAll(' ', '');
const bytesOf = (...parts: readonly string[]) => Uint8Array.fromHex(hex(...parts));

/** The kernel's message of a flow, IPCTNL_MSG_CT_NEW. */
function read(...attributes: readonly string[]) {
  const body = bytesOf('02000000', ...attributes);
  const header = bytesOf('00000000 0001 0200 01000000 00000000');
  new DataView(header.buffer).setUint32(0, header.length + body.length, true);
  const [reply] = readReplies(new Uint8Array(Buffer.concat([header, body])));
  if (reply?.kind !== 'object') throw new Error('not an object');
  return readTracked(reply.attributes);
}

describe('a flow', () => {
  test('is told by where it was sent and where it goes', () => {
    expect(read(...ASKED, ...ANSWERED, ...ID)).toMatchObject({
      protocol: 17,
      destination: { address: parseAddress('192.0.2.1'), port: 53 },
      goesTo: { address: parseAddress('127.0.0.1'), port: 1053 },
    });
  });

  test('is forgotten by its first direction, its id and its zone', () => {
    const message = (length: string) => [
      `${length} 0201 0500 09000000 00000000`, // nlmsghdr: IPCTNL_MSG_CT_DELETE, REQUEST | ACK
      '02000000', // nfgenmsg: AF_INET
    ];
    expect(forgetTracked(read(...ASKED, ...ANSWERED, ...ID)!, 9).toHex()).toBe(
      hex(...message('50000000'), ...ASKED, ...ID),
    );
    expect(forgetTracked(read(...ZONE, ...ASKED, ...ANSWERED, ...ID)!, 9).toHex()).toBe(
      hex(...message('58000000'), ...ASKED, ...ID, ...ZONE),
    );
  });

  test('over IPv6 is read and forgotten as such', () => {
    const tuple = (which: string, source: string, destination: string) => [
      `4c00 ${which}`,
      `2c00 0180 1400 0300 ${source} 1400 0400 ${destination}`,
      ASKED[2]!,
    ];
    const [us, they] = ['20010db8000000000000000000000002', '20010db8000000000000000000000001'] as const;
    const flow = read(...tuple('0180', us, they), ...tuple('0280', they, us))!;
    expect(flow.destination.address).toEqual(parseAddress('2001:db8::1')!);
    expect(forgetTracked(flow, 1)[16]).toBe(10);
  });

  test.each([
    ['ICMP', [...ASKED.slice(0, 2), '1c00 0280 0500 0100 01 000000 0600 0400 0001 0000 0500 0500 08 000000']],
    ['nothing known of its first direction', []],
  ])('of %s is none: it would name all', (_, first) => {
    expect(read(...first, ...ANSWERED, ...ID)).toBeUndefined();
  });

  test('of random bytes throws nothing', () => {
    const values = fc.array(fc.tuple(fc.constantFrom(1, 2, 12, 18), fc.uint8Array({ maxLength: 60 })));
    fc.assert(fc.property(values, (attributes) => void readTracked(new Map(attributes))));
  });
});

test('all flows are asked for', () => {
  expect(listTracked(1).toHex()).toBe(hex('14000000 0101 0103 01000000 00000000', '00000000'));
});
