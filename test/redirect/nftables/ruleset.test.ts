/** Our messages against those of the nft program, byte for byte. */
import { describe, expect, test } from 'bun:test';
import { encodeBatch, type Message } from '../../../src/redirect/nftables/message.ts';
import { deleteTable, flushSet } from '../../../src/redirect/nftables/object.ts';
import { replaceRanges, ruleset } from '../../../src/redirect/nftables/ruleset.ts';
import type { RedirectPlan } from '../../../src/redirect/redirect.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import vectors from '../../vectors/nftables.json';

type Vector = keyof typeof vectors.messages;

/** The plan that the captured scripts spell out. */
const PLAN: RedirectPlan = {
  port: 1111,
  dns: 1053,
  linkLocalDns: 1054,
  gid: 7777,
  ipv6: true,
  bypass: rangesFrom('0.0.0.0/8', '10.0.0.0/8', '255.255.255.0/24', '::/127', '2001:db8::/32', 'ff00::/8'),
};

/** Messages of a datagram, in hex, with the sequence number (bytes 8 to 11) as 0: it depends on the neighbours. */
function split(datagram: Uint8Array): string[] {
  const messages: string[] = [];
  for (let at = 0; at < datagram.length;) {
    const view = new DataView(datagram.buffer, datagram.byteOffset + at);
    const message = datagram.slice(at, at + view.getUint32(0, true));
    message.fill(0, 8, 12);
    messages.push(Buffer.from(message).toString('hex'));
    at += message.length;
  }
  return messages;
}

function captured(name: Vector): string {
  const message = Uint8Array.fromHex(vectors.messages[name]);
  message.fill(0, 8, 12);
  // libnftnl numbers the items of a list of elements; the kernel's header says NFTA_LIST_ELEM, its code doesn't look.
  if (name.includes('elements')) numberItems(message);
  return Buffer.from(message).toString('hex');
}

/** Gives every item of the message's NFTA_SET_ELEM_LIST_ELEMENTS (0x8003, the last attribute) the type 1. */
function numberItems(message: Uint8Array): void {
  const view = new DataView(message.buffer);
  let at = 20;
  while (view.getUint16(at + 2, true) !== 0x8003) at += (view.getUint16(at, true) + 3) & ~3;
  for (at += 4; at < message.length; at += (view.getUint16(at, true) + 3) & ~3)
    view.setUint16(at + 2, 0x8001, true);
}

/** Encodes with another message behind, since the last asks for an acknowledgement. */
function encoded(message: Message): string {
  return split(encodeBatch([message, deleteTable('x')], 0, true))[1]!;
}

describe('messages are those of nft', () => {
  const [whole, byDevice, noIPv6] = [
    ruleset(PLAN, 'fib'),
    ruleset(PLAN, 'oif'),
    ruleset({ ...PLAN, ipv6: false }, 'fib'),
  ];
  const leavingLinkLocal = ruleset({ ...PLAN, linkLocalDns: undefined }, 'fib');
  const named = (messages: readonly Message[], object: string) =>
    messages.find((message) => message.object === object)!;

  const cases: [Vector, Message][] = [
    ['table inet snet', named(whole, 'table inet snet')],
    ['chain output', named(whole, 'chain output')],
    ['chain input', named(whole, 'chain input')],
    ['set bypass4', named(whole, 'set bypass4')],
    ['set bypass4 elements 1..3', named(whole, 'set bypass4 elements 1..3')],
    ['set bypass6', named(whole, 'set bypass6')],
    ['set bypass6 elements 1..3', named(whole, 'set bypass6 elements 1..3')],
    ["rule snet's own sockets", named(whole, `rule "snet's own sockets"`)],
    ['rule local by fib', named(whole, `rule "this machine's own addresses"`)],
    ['rule local by oif', named(byDevice, `rule "this machine's own addresses"`)],
    ['rule bypass4', named(whole, 'rule "IPv4 that goes straight out"')],
    ['rule bypass6', named(whole, 'rule "IPv6 that goes straight out"')],
    ['rule link-local left alone', named(leavingLinkLocal, 'rule "resolvers of this link"')],
    ...(['UDP', 'TCP'] as const).map((name): [Vector, Message] => [
      `rule link-local over ${name}`,
      named(whole, `rule "DNS over ${name} to resolvers of this link goes to snet, by its interface"`),
    ]),
    ['rule UDP from outside', named(whole, 'rule "DNS over UDP from other machines"')],
    ['rule TCP from outside', named(whole, 'rule "DNS over TCP from other machines"')],
    ['rule DNS over UDP', named(whole, 'rule "DNS over UDP goes to snet, whomever it asks"')],
    ['rule DNS over TCP', named(whole, 'rule "DNS over TCP goes to snet, whomever it asks"')],
    ['rule DNS over UDP IPv4 only', named(noIPv6, 'rule "DNS over UDP goes to snet, whomever it asks"')],
    ['rule DNS over TCP IPv4 only', named(noIPv6, 'rule "DNS over TCP goes to snet, whomever it asks"')],
    ['rule redirect', named(whole, 'rule "all else goes to snet"')],
    ['rule redirect IPv4 only', named(noIPv6, 'rule "all else goes to snet"')],
    ['flush bypass4', flushSet({ table: 'snet', name: 'bypass4', id: 1, family: 4 })],
    ['delete table', deleteTable('snet')],
  ];
  test.each(cases)('%s', (name, message) => {
    expect(encoded(message)).toBe(captured(name));
  });

  test('begin and end of a batch; no end for a rehearsal', () => {
    const batch = split(encodeBatch([deleteTable('x')], 9, true));
    expect([batch[0], batch[2]]).toEqual([captured('batch begin'), captured('batch end')]);
    expect(split(encodeBatch([deleteTable('x')], 9, false))).toHaveLength(2);
  });
});

describe('ruleset()', () => {
  const objects = (messages: readonly Message[]) => messages.map((message) => message.object);

  test('says nothing of IPv6 where the machine has none', () => {
    expect(objects(ruleset({ ...PLAN, ipv6: false }, 'fib'))).toEqual([
      'table inet snet',
      'set bypass4',
      'set bypass4 elements 1..3',
      'chain output',
      `rule "snet's own sockets"`,
      `rule "this machine's own addresses"`,
      'rule "DNS over UDP goes to snet, whomever it asks"',
      'rule "DNS over TCP goes to snet, whomever it asks"',
      'rule "IPv4 that goes straight out"',
      'rule "all else goes to snet"',
    ]);
  });

  test('says nothing of DNS where the plan has none', () => {
    const whole = objects(ruleset(PLAN, 'fib'));
    expect(objects(ruleset({ ...PLAN, dns: undefined }, 'fib'))).toEqual(
      whole.filter((object) => !/DNS|input/.test(object)),
    );
  });

  test('lets nobody in, and leaves resolvers of the link alone, where we do not listen for those', () => {
    const listed = objects(ruleset({ ...PLAN, linkLocalDns: undefined }, 'fib'));
    expect(listed).not.toContain('chain input');
    expect(listed.filter((object) => /DNS|resolvers/.test(object))).toEqual([
      'rule "resolvers of this link"',
      'rule "DNS over UDP goes to snet, whomever it asks"',
      'rule "DNS over TCP goes to snet, whomever it asks"',
    ]);
  });

  test('replaceRanges() touches the two sets and nothing else', () => {
    expect(objects(replaceRanges(PLAN))).toEqual([
      'set bypass4',
      'set bypass4 elements 1..3',
      'set bypass6',
      'set bypass6 elements 1..3',
    ]);
  });
});
