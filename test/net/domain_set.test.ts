import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { domainSet, domainSetBuilder, NO_DOMAINS, type DomainEntry } from '../../src/net/domain_set.ts';

const exact = (name: string): DomainEntry => ({ name, suffix: false });
const suffix = (name: string): DomainEntry => ({ name, suffix: true });

/** Every entry that a name falls under, the most specific first: obvious and slow. */
function slowly(entries: readonly DomainEntry[], name: string): DomainEntry[] {
  return entries
    .filter((entry) => entry.name === name || (entry.suffix && name.endsWith(`.${entry.name}`)))
    .toSorted((a, b) => b.name.length - a.name.length || Number(a.suffix) - Number(b.suffix));
}

describe('what falls under an entry', () => {
  const set = domainSet([suffix('example.com'), exact('a.org'), suffix('cn')]);

  test.each([
    ['example.com', true],
    ['sub.example.com', true],
    ['a.b.example.com', true],
    ['evilexample.com', false],
    ['example.com.evil.org', false],
    ['com', false],
    ['a.org', true],
    ['b.a.org', false],
    ['cn', true],
    ['baidu.cn', true],
    ['acn', false],
    ['', false],
    ['.', false],
    ['example.com.', false],
    ['.example.com', true],
  ])('%p: %p', (name, expected) => expect(set.has(name)).toBe(expected));
});

describe('the most specific entry', () => {
  const builder = domainSetBuilder();
  builder.add(suffix('example.com'), 1);
  builder.add(suffix('b.example.com'), 2);
  builder.add(exact('c.b.example.com'), 3);
  builder.add(suffix('c.b.example.com'), 4);
  const set = builder.build();

  test.each([
    ['example.com', { entry: '*.example.com', source: 1 }],
    ['x.b.example.com', { entry: '*.b.example.com', source: 2 }],
    ['c.b.example.com', { entry: 'c.b.example.com', source: 3 }],
    ['x.c.b.example.com', { entry: '*.c.b.example.com', source: 3 }],
    ['example.org', undefined],
  ])('of %s', (name, found) => expect(set.find(name)).toEqual(found));

  test('ranks: longer above shorter, a name above the same as a suffix', () => {
    const names = ['a.org', 'a.example.com', 'a.b.example.com', 'a.c.b.example.com', 'c.b.example.com'];
    const ranks = names.map((name) => set.rank(name));
    expect(ranks[0]).toBe(0);
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(new Set(ranks).size).toBe(names.length);
  });

  test('ranks of different sets compare', () => {
    const other = domainSet([exact('example.com'), suffix('x.example.com')]);
    expect(other.rank('example.com')).toBeGreaterThan(set.rank('example.com'));
    expect(other.rank('b.example.com')).toBeLessThan(set.rank('b.example.com'));
  });
});

test.each(['', 'a'.repeat(254), 'münchen.de'])('no entry: %p', (name) => {
  expect(() => domainSetBuilder().add(exact(name))).toThrow(RangeError);
});

test('an empty set', () => {
  expect([NO_DOMAINS.size, NO_DOMAINS.has('a'), NO_DOMAINS.rank(''), NO_DOMAINS.find('a.b')]).toEqual([
    0,
    false,
    0,
    undefined,
  ]);
});

describe('against the slow reference', () => {
  // Few labels, so that names meet entries, share suffixes and are told apart by a dot only.
  const label = fc.constantFrom('a', 'b', 'ab', 'xn--a', '_b', '\\046', 'a'.repeat(63));
  const name = fc
    .array(label, { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join('.'))
    .filter(({ length }) => length <= 253);
  const entry = fc.record({ name, suffix: fc.boolean() });

  test('has, rank and find', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.array(name), (entries, names) => {
        const set = domainSet(entries);
        expect(set.size).toBe(new Set(entries.map(({ name }) => name)).size);
        for (const asked of names) {
          const best = slowly(entries, asked)[0];
          expect(set.has(asked)).toBe(best !== undefined);
          expect(set.rank(asked)).toBe(best ? 2 * best.name.length + Number(!best.suffix) : 0);
          expect(set.find(asked)?.entry).toBe(best && (best.suffix ? `*.${best.name}` : best.name));
        }
      }),
    );
  });

  test('any text may be asked for', () => {
    const set = domainSet([suffix('a')]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(set.has(text)).toBe(text === 'a' || text.endsWith('.a'));
      }),
    );
  });
});

describe('200,000 names', () => {
  // The length of a name in public lists is 15 to 20 characters.
  const nameOf = (i: number) => `host-${(i * 2_654_435_761) % 1_000_003}.site${i}.example.com`;
  function* entries() {
    for (let i = 0; i < 200_000; i++) yield { name: nameOf(i), suffix: i % 2 === 0 };
  }
  const set = domainSet(entries());

  test('fit in 16 MB', () => {
    expect(set.size).toBe(200_000);
    expect(set.bytes).toBeLessThan(16e6);
  });

  test('are all found, and nothing beside them', () => {
    const wrong: string[] = [];
    for (let i = 0; i < 200_000; i++) {
      const name = nameOf(i);
      if (!set.has(name) || set.has(`x.${name}`) !== (i % 2 === 0) || set.has(`x${name}`)) wrong.push(name);
    }
    expect(wrong).toEqual([]);
  });

  test('names of one hash are told apart by their bytes', () => {
    // 32 bits of hash for 400,000 names: some of these meet; none that was not added may be found.
    const strangers = Array.from({ length: 200_000 }, (_, i) => `other${i}.example.net`);
    expect(strangers.filter((name) => set.has(name))).toEqual([]);
  });
});
