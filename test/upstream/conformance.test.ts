/** The same cases for every protocol; conformance/rows.ts says how one gets in. */
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { parseAddress } from '../../src/net/address.ts';
import { PIECE, type Tunnel } from '../../src/net/session.ts';
import { formatTarget, type Target } from '../../src/net/target.ts';
import { heapInUse } from '../lab/heap_in_use.ts';
import { Conversation, type Outcome, type Script } from './conformance/conversation.ts';
import { NOTHING } from './conformance/far_end.ts';
import { heard, statusOf } from './conformance/heard.ts';
import type { Row } from './conformance/row.ts';
import { ROWS } from './conformance/rows.ts';
import { pattern } from './shadowsocks/ends.ts';

const TARGETS: readonly Target[] = [
  { address: parseAddress('192.0.2.7')!, port: 443 },
  { address: parseAddress('2001:db8::7')!, port: 65535 },
  { name: 'origin.example', port: 1 },
];

const text = (words: string) => new TextEncoder().encode(words);

const BOTH: Script = {
  target: TARGETS[2]!,
  banner: text('220 welcome\r\n'),
  up: [NOTHING, text('EHLO '), text('client\r\n')],
  down: text('250 hello, client\r\n'),
};

/** The largest head that a handshake may read, and some. */
const HANDSHAKE_LIMIT = 20 * 1024;
/** What a session may keep of bytes that have come: a record of 64 KiB, and some. */
const HELD_LIMIT = 80 * 1024;

/** What a script comes to if nothing goes wrong. */
function expected({ target, banner, up, down }: Script): Outcome {
  return { target: formatTarget(target), up: Buffer.concat(up), down: Buffer.concat([banner, down]) };
}

/** Where to cut, or spoil, `length` bytes. */
const offsetsIn = (length: number) =>
  fc.array(fc.nat(length), { maxLength: 12 }).map((offsets) => offsets.sort((a, b) => a - b));

/** With every byte by itself; the number of bytes is what the tests below go through. */
function byteByByte(row: Row): Conversation {
  const whole = new Conversation(row, BOTH).run();
  whole.finish();
  const conversation = new Conversation(row, BOTH).run(Array.from({ length: whole.delivered }, (_, i) => i));
  conversation.finish();
  return conversation;
}

describe.each(ROWS.map((row) => [row.name, row] as const))('%s', (_, row) => {
  test.each(TARGETS.map((target) => [formatTarget(target), target] as const))('to %s', (_, target) => {
    for (const leavesPlain of [true, false]) {
      const script = { ...BOTH, target };
      const conversation = new Conversation(row, script, { leavesPlain }).run();
      expect(conversation.outcome).toEqual(expected(script));
      conversation.finish();
    }
  });

  test.each<[string, Partial<Script>]>([
    ['the client speaks first', { banner: NOTHING, up: [text('GET / HTTP/1.0\r\n\r\n')] }],
    ['the server speaks first, the client waits', { up: [NOTHING, text('QUIT\r\n')] }],
    ['the server speaks first, and the client at once', { up: [text('QUIT\r\n')] }],
    ['the server alone speaks', { up: [NOTHING], down: NOTHING }],
    ['the client alone speaks', { banner: NOTHING, up: [text('a line of a log\n')], down: NOTHING }],
    ['nobody speaks', { banner: NOTHING, up: [NOTHING], down: NOTHING }],
  ])('%s', (_, part) => {
    const script = { ...BOTH, ...part };
    const conversation = new Conversation(row, script).run();
    expect(conversation.outcome).toEqual(expected(script));
    conversation.finish();
  });

  test('an empty first call sends what the far end must know, an empty later one nothing', () => {
    const script: Script = { ...BOTH, banner: NOTHING, up: [NOTHING], down: NOTHING };
    const conversation = new Conversation(row, script).run();
    expect(conversation.outcome.target).toBe(formatTarget(script.target));
    expect(conversation.client.send(NOTHING)).toHaveLength(0);
    conversation.finish();
  });

  test("the far end's bytes cut in two, everywhere, and byte by byte", () => {
    const each = byteByByte(row);
    expect(each.outcome).toEqual(expected(BOTH));
    for (let cut = 0; cut <= each.delivered; cut++) {
      const conversation = new Conversation(row, BOTH).run([cut]);
      expect(conversation.outcome).toEqual(expected(BOTH));
      expect(conversation.delivered).toBe(each.delivered);
      conversation.finish();
    }
  });

  test("both ends' bytes cut anywhere", () => {
    const length = byteByByte(row).delivered;
    const up = pattern(40_000);
    fc.assert(
      fc.property(offsetsIn(length + 70_000), offsetsIn(up.length), (cuts, upCuts) => {
        const pieces = [...upCuts, up.length].map((cut, i) => up.subarray(upCuts[i - 1] ?? 0, cut));
        const script = { ...BOTH, up: pieces, down: pattern(70_000).toReversed() };
        const conversation = new Conversation(row, script).run(cuts);
        expect(sums(conversation.outcome)).toEqual(sums(expected(script)));
        conversation.finish();
      }),
      { numRuns: 40 },
    );
  });

  test('bytes that come with the last answer are not lost', () => {
    const apart = byteByByte(row);
    const together = new Conversation(row, BOTH).run();
    const hasHandshake = row.tunnel(BOTH.target).handshake !== undefined;
    expect(apart.openAt! > 0).toBe(hasHandshake);
    // Where the far end learns the target from the session, the client has to speak before the banner can come.
    expect(together.openAt!).toBeGreaterThanOrEqual(apart.openAt!);
    expect(together.outcome.down).toEqual(expected(BOTH).down);
    together.finish();
  });

  test('the far end closes, after every byte', () => {
    const { delivered, openAt } = byteByByte(row);
    const found = new Set<string>();
    for (let end = 0; end <= delivered; end++) {
      const conversation = new Conversation(row, BOTH).run([], end);
      const status = statusOf(() => conversation.client.receiveEnd());
      const isOpen = end >= openAt!;
      const possible = isOpen ? ['none'] : ['ERR_PROXY_CLOSED'];
      expect(conversation.client.isOpen).toBe(isOpen);
      expect(row.framing === 'none' ? possible : [...possible, 'ERR_TRUNCATED']).toContain(status);
      const { down } = conversation.outcome;
      expect(down).toEqual(expected(BOTH).down.subarray(0, down.length));
      if (end === delivered) expect(status).toBe('none');
      if (end === delivered - 1 && row.framing === 'records') expect(status).toBe('ERR_TRUNCATED');
      found.add(status);
      conversation.dispose();
    }
    expect(found.has('ERR_TRUNCATED')).toBe(row.framing !== 'none');
  });

  test('the client ends its direction, and still gets all', () => {
    const script = { ...BOTH, down: NOTHING };
    const conversation = new Conversation(row, script).run();
    conversation.farEnd.takeEnd();
    for (const words of ['and', 'still', 'more']) conversation.deliver(conversation.farEnd.send(text(words)));
    conversation.client.receiveEnd();
    expect(Buffer.from(conversation.outcome.down).toString()).toBe('220 welcome\r\nandstillmore');
    conversation.dispose();
  });

  test('the far end ends its direction, and still gets all', () => {
    const conversation = new Conversation(row, BOTH).run();
    conversation.client.receiveEnd();
    const { answer, plain } = conversation.farEnd.take(conversation.client.send(text('and still more')));
    expect(answer).toHaveLength(0);
    expect(Buffer.from(plain).toString()).toBe('and still more');
    conversation.farEnd.takeEnd();
    conversation.dispose();
  });

  test('8 MiB each way, in pieces of all sizes', () => {
    const sizes = [1, 100, 16_384, PIECE - 1, PIECE, PIECE + 1, 300_000, 1_000_000];
    const conversation = new Conversation(row, { ...BOTH, up: [NOTHING], down: NOTHING }).run();
    const [up, down] = [createHash('sha256'), createHash('sha256')];
    const [upThere, downThere] = [createHash('sha256'), createHash('sha256')];
    const before = conversation.outcome.down.length;
    for (let sent = 0, i = 0; sent < 8 << 20; i++) {
      const bytes = pattern(sizes[i % sizes.length]!);
      bytes[0] = i;
      up.update(bytes);
      upThere.update(conversation.farEnd.take(conversation.client.send(bytes)).plain);
      bytes[0] = ~i;
      down.update(bytes);
      conversation.deliver(conversation.farEnd.send(bytes));
      sent += bytes.length;
    }
    downThere.update(conversation.outcome.down.subarray(before));
    expect(upThere.digest('hex')).toBe(up.digest('hex'));
    expect(downThere.digest('hex')).toBe(down.digest('hex'));
    conversation.finish();
  });

  test('tunnels that are used in turn do not mix', () => {
    const scripts = TARGETS.map((target, i) => ({ ...BOTH, target, down: pattern(5_000 + i) }));
    const conversations = scripts.map((script) => new Conversation(row, script));
    for (let end = 7; end < 8_000; end += 7) for (const each of conversations) each.run([], end);
    for (const [i, each] of conversations.entries()) {
      expect(each.outcome).toEqual(expected(scripts[i]!));
      each.finish();
    }
  });

  test('random bytes: nothing but a SessionError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), offsetsIn(300), (bytes, cuts) => {
        heard(row, BOTH.target, bytes, cuts);
      }),
    );
  });

  test('bytes changed, left out or put in, anywhere: nothing but a SessionError, the same however they are cut', () => {
    const { wire } = byteByByte(row);
    fc.assert(
      fc.property(
        fc.nat(wire.length - 1),
        fc.nat(4),
        fc.uint8Array({ maxLength: 5 }),
        offsetsIn(wire.length + 5),
        (at, leftOut, putIn, cuts) => {
          const bytes = Buffer.concat([wire.subarray(0, at), putIn, wire.subarray(at + leftOut)]);
          const [whole, cut] = [heard(row, BOTH.target, bytes), heard(row, BOTH.target, bytes, cuts)];
          expect(cut.status).toBe(whole.status);
          if (cut.status === 'none') expect(cut.received).toEqual(whole.received);
        },
      ),
    );
  });

  test('what never ends is not waited for, and not kept', () => {
    const { wire, openAt } = byteByByte(row);
    for (let good = 0; good < openAt!; good++) {
      const bytes = Buffer.concat([wire.subarray(0, good), Buffer.alloc(HANDSHAKE_LIMIT, 'a')]);
      const { status, isOpen } = heard(row, BOTH.target, bytes);
      expect(isOpen || status !== 'none').toBe(true);
    }
  });

  test('tunnels that wait for the rest of something hold no more than a record a session', () => {
    const COUNT = 30;
    const script = { ...BOTH, up: [NOTHING], down: NOTHING };
    const payload = pattern(1_000_000);
    const sessions: number[] = [];
    new Conversation(row, script, { watch: (tunnel) => counting(tunnel, sessions) }).dispose();
    const waiting = () => {
      const conversation = new Conversation(row, script).run();
      const { client, farEnd } = conversation;
      client.receive(farEnd.send(payload).subarray(0, -1));
      client.takeReceived();
      return conversation;
    };
    waiting().dispose();
    const before = heapInUse();
    const conversations = Array.from({ length: COUNT }, waiting);
    const each = (heapInUse() - before) / COUNT;
    for (const conversation of conversations) conversation.dispose();
    expect(each).toBeLessThan((1 + sessions.length) * HELD_LIMIT);
  });

  test('every session of the tunnel is disposed of, once', () => {
    for (const leavesPlain of [true, false]) {
      const disposed: number[] = [];
      const watch = (tunnel: Tunnel) => counting(tunnel, disposed);
      new Conversation(row, BOTH, { leavesPlain, watch }).run().finish();
      expect(disposed).toEqual(disposed.map(() => 1));
      expect(disposed.length > 0).toBe(row.tunnel(BOTH.target).session !== undefined);
    }
  });
});

/** Counts how often the session of each tunnel is disposed of. */
function counting({ handshake, session }: Tunnel, disposed: number[]): Tunnel {
  if (!session) return { handshake };
  const at = disposed.push(0) - 1;
  return {
    handshake,
    session: {
      get isPlain() {
        return session.isPlain === true;
      },
      seal: (...call) => session.seal(...call),
      open: (...call) => session.open(...call),
      openEnd: () => session.openEnd(),
      dispose() {
        disposed[at]!++;
        session.dispose();
      },
    },
  };
}

/** What a test compares without printing megabytes. */
function sums({ target, up, down }: Outcome): unknown {
  return [target, ...[up, down].map((bytes) => createHash('sha256').update(bytes).digest('hex'))];
}
