/** Messages for property tests, written with compression by a writer of their own. */
import * as fc from 'fast-check';

export type Label = readonly number[];
export type Name = readonly Label[];
/** Part of a record's data. A compressible name may be written with a pointer; another is not. */
type Part = { readonly bytes: readonly number[] } | { readonly name: Name; readonly compressible: boolean };

export interface TestRecord {
  readonly owner: Name;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: readonly Part[];
}

export interface TestMessage {
  readonly id: number;
  readonly flags: number;
  readonly question: { readonly name: Name; readonly type: number; readonly class: number };
  readonly answer: readonly TestRecord[];
  readonly authority: readonly TestRecord[];
  readonly additional: readonly TestRecord[];
}

/** A name from text without escapes. */
export function named(text: string): Name {
  return text === '' ? [] : text.split('.').map((label) => [...Buffer.from(label, 'latin1')]);
}

/** Writes names: each either in full, or with a pointer to the longest tail that already stands in the message. */
export function write(message: TestMessage, compress = true): Uint8Array {
  const bytes: number[] = [];
  const known = new Map<string, number>();
  const u16 = (value: number) => bytes.push(value >>> 8, value & 0xff);
  const name = (labels: Name, compressible: boolean) => {
    for (let i = 0; i < labels.length; i++) {
      const tail = JSON.stringify(labels.slice(i));
      const at = known.get(tail);
      if (at !== undefined && compress && compressible) return u16(0xc000 | at);
      if (at === undefined && bytes.length < 0x4000) known.set(tail, bytes.length);
      bytes.push(labels[i]!.length, ...labels[i]!);
    }
    return bytes.push(0);
  };
  u16(message.id);
  u16(message.flags);
  u16(1);
  for (const section of [message.answer, message.authority, message.additional]) u16(section.length);
  name(message.question.name, true);
  u16(message.question.type);
  u16(message.question.class);
  for (const record of [...message.answer, ...message.authority, ...message.additional]) {
    name(record.owner, true);
    u16(record.type);
    u16(record.class);
    u16(record.ttl >>> 16);
    u16(record.ttl & 0xffff);
    u16(0);
    const dataAt = bytes.length;
    for (const part of record.data) {
      if ('bytes' in part) bytes.push(...part.bytes);
      else name(part.name, part.compressible);
    }
    const length = bytes.length - dataAt;
    bytes[dataAt - 2] = length >>> 8;
    bytes[dataAt - 1] = length & 0xff;
  }
  return Uint8Array.from(bytes);
}

const octets = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => [...bytes]);

/** Labels that recur, so that there is something to compress; in both cases; and any bytes. */
const label: fc.Arbitrary<Label> = fc
  .oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom('a', 'B', 'www', 'WWW', 'example', 'Example', 'com', 'x-1', '_dns'),
    },
    { weight: 1, arbitrary: fc.constantFrom('a.b', '@`[{', '\\', ' ', '\0', '\xff', 'x'.repeat(63)) },
  )
  .map((text) => [...Buffer.from(text, 'latin1')]);

const size = (name: Name) => name.reduce((sum, label) => sum + 1 + label.length, 1);

export const name: fc.Arbitrary<Name> = fc
  .oneof(
    { weight: 9, arbitrary: fc.array(label, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(label, { maxLength: 127 }) },
  )
  .filter((name) => size(name) <= 255);

/** Names that stay printable by any program: letters, digits, hyphens. */
export const plainName: fc.Arbitrary<Name> = fc
  .array(fc.constantFrom('a', 'B', 'www', 'Example', 'com', 'x-1', '_dns'), { minLength: 1, maxLength: 5 })
  .map((labels) => named(labels.join('.')));

const compressed = (names: fc.Arbitrary<Name>) => names.map((name) => ({ name, compressible: true }));
const raw = (names: fc.Arbitrary<Name>) => names.map((name) => ({ name, compressible: false }));
const bytes = (minLength: number, maxLength = minLength) =>
  octets(minLength, maxLength).map((bytes) => ({ bytes }));
const characterString = octets(0, 20).map((text) => ({ bytes: [text.length, ...text] }));

function u16s(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value >>> 8, value & 0xff]);
}

/** One SvcParam: key, length, value. */
export function param(key: number, value: readonly number[]): number[] {
  return [...u16s(key, value.length), ...value];
}

/** The value of alpn. */
export function alpn(...protocols: readonly string[]): number[] {
  return protocols.flatMap((protocol) => [protocol.length, ...Buffer.from(protocol)]);
}

export interface TestParams {
  readonly alpn: readonly string[] | undefined;
  readonly noDefaultAlpn: boolean;
  readonly port: boolean;
  readonly ech: readonly number[] | undefined;
  readonly other: readonly number[] | undefined;
  readonly mandatory: readonly number[];
}

export const params: fc.Arbitrary<TestParams> = fc.record({
  alpn: fc.option(
    fc.array(fc.constantFrom('h2', 'h3', 'h3-29', 'http/1.1', 'h3x'), { minLength: 1, maxLength: 4 }),
    { nil: undefined },
  ),
  noDefaultAlpn: fc.boolean(),
  port: fc.boolean(),
  ech: fc.option(octets(0, 40), { nil: undefined }),
  other: fc.option(octets(0, 40), { nil: undefined }),
  mandatory: fc.subarray([1, 3, 5, 700]),
});

/** In wire form, keys in order. */
export function paramsData(params: TestParams): number[] {
  return [
    ...(params.mandatory.length > 0 ? param(0, u16s(...params.mandatory)) : []),
    ...(params.alpn ? param(1, alpn(...params.alpn)) : []),
    ...(params.alpn && params.noDefaultAlpn ? param(2, []) : []),
    ...(params.port ? param(3, u16s(443)) : []),
    ...(params.ech ? param(5, params.ech) : []),
    ...(params.other ? param(700, params.other) : []),
  ];
}

const data = (names: fc.Arbitrary<Name>) =>
  fc.oneof(
    ...[
      { type: 1, parts: [bytes(4)] },
      { type: 28, parts: [bytes(16)] },
      { type: 2, parts: [compressed(names)] },
      { type: 5, parts: [compressed(names)] },
      { type: 5, parts: [compressed(names)] },
      { type: 12, parts: [compressed(names)] },
      { type: 6, parts: [compressed(names), compressed(names), bytes(20)] },
      { type: 15, parts: [bytes(2), compressed(names)] },
      { type: 16, parts: [characterString, characterString] },
      { type: 33, parts: [bytes(6), compressed(names)] },
      { type: 35, parts: [bytes(4), characterString, characterString, characterString, compressed(names)] },
      { type: 65, parts: [bytes(2), raw(names), params.map((params) => ({ bytes: paramsData(params) }))] },
      { type: 64, parts: [bytes(2), raw(names)] },
      { type: 46, parts: [bytes(18), raw(names), bytes(64)] },
      { type: 65280, parts: [bytes(0, 60)] },
    ].map(({ type, parts }) =>
      fc.tuple(...(parts as fc.Arbitrary<Part>[])).map((data) => ({ type, data: data as readonly Part[] })),
    ),
  );

const ttl = fc.oneof(fc.nat(90_000), fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff));

const record = (names: fc.Arbitrary<Name>): fc.Arbitrary<TestRecord> =>
  fc
    .record({ owner: names, ttl, class: fc.constantFrom(1, 1, 1, 1, 3), content: data(names) })
    .map(({ content, ...fixed }) => ({ ...fixed, ...content }));

/** An OPT record with random options. */
export const opt: fc.Arbitrary<TestRecord> = fc
  .record({
    payload: fc.constantFrom(0, 512, 1232, 4096, 65535),
    upper: fc.constantFrom(0, 0, 0, 1, 255),
    dnssecOk: fc.boolean(),
    options: fc.array(fc.tuple(fc.constantFrom(3, 8, 10, 12, 15, 65001), octets(0, 30)), { maxLength: 3 }),
  })
  .map(({ payload, upper, dnssecOk, options }) => ({
    owner: [],
    type: 41,
    class: payload,
    ttl: upper * 0x1000000 + (dnssecOk ? 0x8000 : 0),
    data: [{ bytes: options.flatMap(([code, value]) => param(code, value)) }],
  }));

const sections = (names: fc.Arbitrary<Name>) => {
  const records = fc.array(record(names), { maxLength: 4 });
  return {
    id: fc.nat(0xffff),
    question: fc.record({ name: names, type: fc.constantFrom(1, 28, 65, 15, 255), class: fc.constant(1) }),
    answer: records,
    authority: records,
    additional: records,
  };
};

/** Puts OPT anywhere among the additional records. */
function withOpt(message: TestMessage, opt: TestRecord | undefined, place: number): TestMessage {
  if (!opt) return message;
  const additional = [...message.additional];
  additional.splice(place % (additional.length + 1), 0, opt);
  return { ...message, additional };
}

const messagesOf = (names: fc.Arbitrary<Name>): fc.Arbitrary<TestMessage> =>
  fc
    .tuple(
      fc.record({
        ...sections(names),
        flags: fc.constantFrom(0x8180, 0x8183, 0x8580, 0x81a0, 0x8380, 0x8182),
      }),
      fc.option(opt, { nil: undefined }),
      fc.nat(9),
    )
    .map(([message, opt, place]) => withOpt(message, opt, place));

/** Answers with names of any bytes. */
export const anyAnswer: fc.Arbitrary<TestMessage> = messagesOf(name);

/** Answers whose names any program can print. */
export const plainAnswer: fc.Arbitrary<TestMessage> = messagesOf(plainName);

/** Queries, with or without OPT. */
export const anyQuery: fc.Arbitrary<TestMessage> = fc
  .record({
    id: fc.nat(0xffff),
    flags: fc.constantFrom(0, 0x0100, 0x0110, 0x0120),
    question: fc.record({ name, type: fc.nat(0xffff), class: fc.constantFrom(1, 1, 3, 255) }),
    opt: fc.option(opt, { nil: undefined }),
  })
  .map(({ opt, ...query }) => ({ ...query, answer: [], authority: [], additional: opt ? [opt] : [] }));

/** Well-formed messages with some bytes overwritten, some cut short: far deeper in than random bytes get. */
export const mutated: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.oneof(anyAnswer, anyQuery),
    fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 0xc0, 0xff, 0x3f, 0x40))), {
      maxLength: 4,
    }),
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat() }),
  )
  .map(([message, overwrites, cutAt]) => {
    const bytes = write(message);
    for (const [at, byte] of overwrites) bytes[at % bytes.length] = byte;
    return cutAt === undefined ? bytes : bytes.slice(0, cutAt % (bytes.length + 1));
  });
