import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { PATIENCE_MS } from '../../src/dns/race.ts';
import type { Kind } from '../../src/dns/split.ts';
import { addressesOf, answers } from '../../src/dns/wire/answer.ts';
import { EDE, TYPE } from '../../src/dns/wire/constants.ts';
import { layoutOf } from '../../src/dns/wire/records.ts';
import { isChinese, play, wordsOf, type Scene } from './split_stage.ts';

describe('when nobody answers', () => {
  /** INFO-CODE and EXTRA-TEXT of the first option in the OPT record at the end of a message. */
  const errorIn = (message: Uint8Array) => {
    const opt = layoutOf(message)!.records.find(({ type }) => type === TYPE.OPT)!;
    const option = Buffer.from(message.subarray(opt.dataAt, opt.end));
    return [option.readUInt16BE(4), option.toString('utf8', 6)];
  };

  test.each([
    ['silence', {}, EDE.NO_REACHABLE_AUTHORITY, 'china: no answer in time, trusted: no answer in time'],
    [
      'a broken network',
      { china: ['1 ERR_DNS_UNREACHABLE'], trusted: ['1 ERR_DNS_TLS'] },
      EDE.NETWORK_ERROR,
      'china: ERR_DNS_UNREACHABLE, trusted: ERR_DNS_TLS',
    ],
    [
      'an answer not to be believed',
      { china: ['1 8.8.8.8'], trusted: ['2 ERR_DNS_TIMEOUT'] },
      EDE.NO_REACHABLE_AUTHORITY,
      'china: foreign answer, trusted: ERR_DNS_TIMEOUT',
    ],
  ] as [string, Scene, number, string][])('the answer says so: %s', async (_, scene, code, text) => {
    const { answer } = await play(scene);
    expect(errorIn(answer.message)).toEqual([code, text]);
  });
});

test('says what both had to say', async () => {
  const { answer } = await play({ china: ['20 8.8.8.8'], trusted: ['200 8.8.4.4'] });
  expect(
    answer.asked.map(({ side, ms, judgement, message }) => [
      side,
      ms,
      judgement,
      message && wordsOf(message),
    ]),
  ).toEqual([
    ['china', undefined, 'foreign', '8.8.8.8'],
    ['trusted', 200, 'foreign', '8.8.4.4'],
  ]);
});

test('gives exactly one well-formed answer within its patience, whatever the sides do', async () => {
  const speeches = [
    '11.0.0.1',
    '8.8.8.8',
    '127.0.0.1',
    '11.0.0.1,8.8.8.8',
    '2400::1',
    '93.46.8.89',
    'NODATA',
    'NXDOMAIN',
    'SERVFAIL',
    'REFUSED',
    'cut',
    'other',
    'ERR_DNS_TIMEOUT',
    'ERR_DNS_UNREACHABLE',
    'ERR_DNS_TLS',
    'ERR_DNS_PROTOCOL',
  ];
  const script = fc.array(
    fc.tuple(fc.nat(5_000), fc.constantFrom(...speeches)).map(([at, says]) => `${at} ${says}`),
    { maxLength: 4 },
  );
  const scene = fc.record({
    kind: fc.constantFrom<Kind>('china', 'foreign', 'unknown', 'local'),
    type: fc.constantFrom('A', 'AAAA', 'MX', 'HTTPS', 'ANY'),
    unknown: fc.constantFrom('race' as const, 'trusted-only' as const),
    upstreamIPv6: fc.boolean(),
    remembered: fc.constantFrom(undefined, 'china' as const, 'trusted' as const),
    china: script,
    trusted: script,
    local: script,
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ remembered, ...rest }) => {
      const { query, answer, seen, left } = await play(remembered ? { ...rest, remembered } : rest);
      expect(answers(query, answer.message)).toBe(true);
      expect(layoutOf(answer.message)).toBeDefined();
      expect(seen.ms).toBeLessThanOrEqual(PATIENCE_MS);
      expect(left).toEqual({ timers: 0, questions: 0 });
      if (rest.kind === 'foreign' || (rest.kind === 'unknown' && rest.unknown === 'trusted-only'))
        expect(seen.asked).not.toContain('china');
      if (rest.kind === 'unknown' && seen.side === 'china')
        expect(addressesOf(answer.message).every(isChinese)).toBe(true);
    }),
  );
});
