import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { stripServiceParams, type Stripped } from '../../../src/dns/wire/svcb.ts';
import { alpn, anyAnswer, mutated, named, param, write, type TestMessage } from './messages.ts';
import { slowName, slowRead, slowReadIfWhole, type SlowMessage } from './slow_reader.ts';

const HTTPS = 65;
const MESSAGE: TestMessage = {
  id: 1,
  flags: 0x81a0,
  question: { name: named('a.example'), type: HTTPS, class: 1 },
  answer: [],
  authority: [],
  additional: [],
};
const FOO_EXAMPLE_ORG = [...Buffer.from('\x03foo\x07example\x03org\x00', 'latin1')];

/** An answer with one HTTPS record with this data behind priority 16 and foo.example.org. */
function withParams(...params: readonly (readonly number[])[]): Uint8Array {
  return withData([0, 16, ...FOO_EXAMPLE_ORG, ...params.flat()]);
}

function withData(data: readonly number[], class_ = 1): Uint8Array {
  const record = { owner: named('a.example'), type: HTTPS, class: class_, ttl: 60, data: [{ bytes: data }] };
  return write({ ...MESSAGE, answer: [record] });
}

const BOTH: readonly Stripped[] = ['ech', 'h3'];
const mandatory = (...keys: readonly number[]) =>
  param(
    0,
    keys.flatMap((key) => [key >> 8, key & 0xff]),
  );
const ECH = param(5, [1, 2, 3]);
const PORT = param(3, [1, 187]);

describe('an HTTPS record', () => {
  test.each([
    ['without parameters', [], []],
    // RFC 9460 D.2, figures 8 and 9.
    [
      'of RFC 9460, with mandatory keys and a draft of h3',
      [mandatory(1, 4), param(1, alpn('h2', 'h3-19')), param(4, [192, 0, 2, 1])],
      [mandatory(1, 4), param(1, alpn('h2')), param(4, [192, 0, 2, 1])],
    ],
    [
      'of RFC 9460, with a comma in a protocol',
      [param(1, alpn('f\\oo,bar', 'h2'))],
      [param(1, alpn('f\\oo,bar', 'h2'))],
    ],
    ['with ech', [PORT, ECH], [PORT]],
    ['with ech only', [ECH], []],
    ['with ech, mandatory', [mandatory(3, 5), PORT, ECH], [mandatory(3), PORT]],
    ['with ech, which alone is mandatory', [mandatory(5), PORT, ECH], [PORT]],
    ['with h3 first', [param(1, alpn('h3', 'h2')), PORT], [param(1, alpn('h2')), PORT]],
    ['with h3 only', [param(1, alpn('h3')), PORT], [PORT]],
    ['with h3 only, mandatory', [mandatory(1, 3), param(1, alpn('h3', 'h3-29')), PORT], [mandatory(3), PORT]],
    ['with h3 only, and no default protocol', [param(1, alpn('h3')), param(2, []), PORT], [PORT]],
    [
      'with protocols like h3',
      [param(1, alpn('h3x', 'xh3', 'h33', 'H3'))],
      [param(1, alpn('h3x', 'xh3', 'h33', 'H3'))],
    ],
    ['with keys unknown', [ECH, param(700, [9]), param(65535, [])], [param(700, [9]), param(65535, [])]],
  ])('%s', (_, before, after) => {
    const stripped = stripServiceParams(withParams(...before), BOTH)!;
    const [record] = slowRead(stripped).records;
    expect(record?.data).toBe(slowRead(withParams(...after)).records[0]!.data);
  });

  test('keeps what was not to be stripped', () => {
    const message = withParams(param(1, alpn('h2', 'h3')), ECH);
    expect(slowRead(stripServiceParams(message, ['ech'])!).records).toEqual(
      slowRead(withParams(param(1, alpn('h2', 'h3')))).records,
    );
    expect(slowRead(stripServiceParams(message, ['h3'])!).records).toEqual(
      slowRead(withParams(param(1, alpn('h2')), ECH)).records,
    );
    expect(stripServiceParams(message, [])).toEqual(message);
  });

  test('is not called authentic any more once it is changed', () => {
    expect(slowRead(stripServiceParams(withParams(ECH), BOTH)!).flags).toBe(0x8180);
    expect(slowRead(stripServiceParams(withParams(PORT), BOTH)!).flags).toBe(0x81a0);
  });

  test('of another class is not ours', () => {
    const chaos = withData([0, 16, ...FOO_EXAMPLE_ORG, ...ECH], 3);
    expect(stripServiceParams(chaos, BOTH)).toEqual(chaos);
  });
});

test.each([
  ['no data', []],
  ['half a priority', [0]],
  ['no target', [0, 1]],
  ['a target cut short', [0, 1, 3, 0x61]],
  ['half a key', [0, 1, 0, 0]],
  ['a value cut short', [0, 1, 0, 0, 1, 0, 3, 2, 0x68]],
  ['a key twice', [0, 1, 0, ...PORT, ...PORT]],
  ['keys that do not ascend', [0, 1, 0, ...ECH, ...PORT]],
  ['a protocol cut short', [0, 1, 0, ...param(1, [3, 0x68, 0x33])]],
] as const)('malformed: %s', (_, data) => {
  expect(stripServiceParams(withData(data), BOTH)).toBeUndefined();
});

/** What a record's data in hex becomes, the slow way. */
function slowStrip(hex: string, what: readonly Stripped[]): string {
  const data = Buffer.from(hex, 'hex');
  const { end } = slowName(Buffer.concat([Buffer.alloc(12), data]), 12 + 2);
  let at = end - 12;
  const head = data.subarray(0, at);
  const params = new Map<number, Buffer>();
  while (at < data.length) {
    const size = data.readUInt16BE(at + 2);
    params.set(data.readUInt16BE(at), data.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  if (what.includes('ech')) params.delete(5);
  const protocols = params.get(1);
  if (what.includes('h3') && protocols) {
    const kept: number[] = [];
    let some = false;
    for (let from = 0; from < protocols.length; from += 1 + protocols[from]!) {
      const protocol = protocols.subarray(from, from + 1 + protocols[from]!);
      const text = protocol.toString('latin1', 1);
      if (text === 'h3' || text.startsWith('h3-')) some = true;
      else kept.push(...protocol);
    }
    params.set(1, Buffer.from(kept));
    if (some && kept.length === 0) {
      params.delete(1);
      params.delete(2);
    }
  }
  const keys = params.get(0);
  if (keys) {
    const gone = (key: number) =>
      (key === 5 && what.includes('ech')) || (key === 1 && protocols !== undefined && !params.has(1));
    const kept: number[] = [];
    for (let i = 0; i < keys.length; i += 2)
      if (!gone(keys.readUInt16BE(i))) kept.push(keys[i]!, keys[i + 1]!);
    params.set(0, Buffer.from(kept));
    if (kept.length === 0) params.delete(0);
  }
  const rest = [...params].flatMap(([key, value]) => param(key, [...value]));
  return Buffer.concat([head, Uint8Array.from(rest)]).toString('hex');
}

test('any answer: HTTPS and SVCB records without what is stripped; every other record, and every name, as it was', () => {
  fc.assert(
    fc.property(anyAnswer, fc.subarray([...BOTH]), fc.boolean(), (answer, what, compress) => {
      const message = write(answer, compress);
      const copy = message.slice();
      const before = slowRead(message);
      const after = slowRead(stripServiceParams(message, what)!);
      const expected: SlowMessage['records'] = before.records.map((record) =>
        (record.type === HTTPS || record.type === 64) && record.class === 1
          ? { ...record, data: slowStrip(record.data, what) }
          : record,
      );
      expect(after.records).toEqual(expected);
      const isChanged = JSON.stringify(before.records) !== JSON.stringify(after.records);
      expect(after).toEqual({
        ...before,
        flags: isChanged ? before.flags & ~0x20 : before.flags,
        records: expected,
      });
      expect(message).toEqual(copy);
    }),
    { numRuns: 2000 },
  );
});

test('no message, however mutated, makes it throw; what comes out has the same records', () => {
  const outside = (message: SlowMessage | undefined) =>
    message?.records.map(({ section, owner, type, ttl }) => ({ section, owner, type, ttl }));
  fc.assert(
    fc.property(mutated, (message) => {
      const stripped = stripServiceParams(message, BOTH);
      const before = slowReadIfWhole(message);
      if (stripped && before) expect(outside(slowReadIfWhole(stripped))).toEqual(outside(before));
    }),
    { numRuns: 2000 },
  );
});
