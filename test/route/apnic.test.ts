import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { ApnicError, delegatedRanges } from '../../src/route/apnic.ts';
import { builtinCnRanges } from '../../src/route/cn_ranges.ts';
import { recordsOf, statistics, v4Record } from './delegated.ts';
import { merged, rangesOfSet, type SlowRange } from './slow_ranges.ts';

const V6 = 'apnic|CN|ipv6|2001:250::|35|20000426|allocated';

test('takes what was given to the country, and the date', () => {
  const text = statistics({
    serial: '20261122',
    records: [
      'apnic|CN|asn|4134|1|20020801|allocated',
      'apnic|AU|ipv4|1.0.0.0|256|20110811|assigned',
      'apnic|CN|ipv4|1.0.1.0|256|20110414|allocated',
      'apnic|CN|ipv4|1.0.2.0|512|20110414|assigned',
      'apnic|CN|ipv4|1.0.8.0|2048|20110412|reserved',
      'apnic|HK|ipv6|2001:250:4000::|35|20000426|allocated',
      V6,
    ],
  });
  const { date, ranges } = delegatedRanges(text.replaceAll('\n', '\r\n'), 'CN');
  expect(date).toBe('2026-11-22');
  expect(rangesOfSet(ranges.v4)).toEqual([[0x01000100n, 0x010003ffn]]);
  expect(rangesOfSet(ranges.v6)).toEqual([
    [0x20010250_00000000_00000000_00000000n, 0x20010250_1fffffff_ffffffff_ffffffffn],
  ]);
});

test('a block whose size is no power of two is kept whole', () => {
  // 768 addresses: three quarters of a /22. Rounded to a prefix, a third of it would be lost.
  const text = statistics({ records: ['apnic|CN|ipv4|1.1.64.0|768|20110412|allocated', V6] });
  expect(rangesOfSet(delegatedRanges(text, 'CN').ranges.v4)).toEqual([[0x01014000n, 0x010142ffn]]);
});

test('any blocks, as the slow reference joins them', () => {
  const range = fc
    .tuple(fc.nat({ max: 0xffffff }), fc.integer({ min: 1, max: 5000 }))
    .map(([first, size]): SlowRange => [BigInt(first), BigInt(first + size - 1)]);
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 40 }), (blocks) => {
      const text = statistics({ records: [...blocks.map((block) => v4Record(block)), V6] });
      expect(rangesOfSet(delegatedRanges(text, 'CN').ranges.v4)).toEqual(merged(blocks));
    }),
  );
});

test('the built-in ranges, written so and read again, are the same', () => {
  const { ranges } = builtinCnRanges();
  expect(delegatedRanges(statistics({ records: recordsOf(ranges) }), 'CN').ranges).toEqual(ranges);
});

describe('what is not whole is refused', () => {
  const whole = statistics({ records: ['apnic|CN|ipv4|1.0.1.0|256|20110414|allocated', V6] });

  test.each([
    ['empty', ''],
    ['an error page', '<html><body>502</body></html>'],
    ['of another registry', whole.replace('2|apnic|', '2|ripencc|')],
    ['of another version', whole.replace('2|apnic|', '3|apnic|')],
    ['a record less', whole.replace(`${V6}\n`, '')],
    ['a record twice', whole + V6],
    ['records less than its summaries', whole.replace('ipv4|*|1|', 'ipv4|*|2|')],
    ['no address', whole.replace('|1.0.1.0|', '|1.0.1|')],
    ['no size', whole.replace('|256|', '||')],
    ['an unknown status', whole.replace('|allocated', '|allocate')],
    ['size 0', whole.replace('|256|', '|0|')],
    ['beyond the last address', whole.replace('|1.0.1.0|', '|255.255.255.255|')],
    ['a prefix of 129', whole.replace('|35|', '|129|')],
    ['the other family', whole.replace('|1.0.1.0|', '|2001::|')],
    ['nothing of the country', whole.replaceAll('|CN|', '|AU|')],
  ])('%s', (_, text) => expect(() => delegatedRanges(text, 'CN')).toThrow(ApnicError));

  test('cut short anywhere but in the last line end', () => {
    for (let length = 0; length < whole.length - 1; length++) {
      const text = whole.slice(0, length);
      expect(() => delegatedRanges(text, 'CN')).toThrow(ApnicError);
    }
  });

  test('whatever comes, nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(whole.length), (noise, at) => {
        try {
          delegatedRanges(whole.slice(0, at) + noise + whole.slice(at), 'CN');
        } catch (error) {
          expect(error).toBeInstanceOf(ApnicError);
        }
      }),
    );
  });
});
