import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import type { Verdict } from '../../src/dns/cache/verdicts.ts';
import { ExchangeError } from '../../src/dns/exchange/exchange.ts';
import type { Side } from '../../src/dns/question.ts';
import { GRACE_MS, HEDGE_MS, PATIENCE_MS } from '../../src/dns/race.ts';
import { createSplit, type Kind, type SplitOptions } from '../../src/dns/split.ts';
import { addressesOf, answers, rcodeOf } from '../../src/dns/wire/answer.ts';
import { composeAddresses, composeFailure, composeNegative } from '../../src/dns/wire/compose.ts';
import { EDE, RCODE, TYPE, typeNumber } from '../../src/dns/wire/constants.ts';
import { queryFor, readQuery } from '../../src/dns/wire/query.ts';
import { layoutOf } from '../../src/dns/wire/records.ts';
import { formatAddress, parseAddress, type Address } from '../../src/net/address.ts';
import { createFakeClock } from './fake_clock.ts';
import { scripted, type Line } from './scripted_exchange.ts';

// China is 11.0.0.0/8 and 2400::/16 here, and the machine's own neighbourhood 10.0.0.0/8 and 127.0.0.0/8.
const isChinese = ({ family, bytes }: Address) =>
  family === 4 ? bytes[0] === 11 : bytes[0] === 0x24 && bytes[1] === 0;
const isSpecial = ({ family, bytes }: Address) => family === 4 && [0, 10, 127].includes(bytes[0]!);

/** `at says`: addresses joined by commas, an RCODE, `NODATA`, `cut` (a message cut short), `other` (of another question), or an exchange's status. */
function line(text: string): Line {
  const [at, says] = text.split(' ') as [string, string];
  return { at: Number(at), says: speech(says) };
}

function speech(says: string): Line['says'] {
  if (says.startsWith('ERR')) return new ExchangeError(says as 'ERR_DNS_UNREACHABLE', says);
  if (says === 'NODATA' || says === 'NXDOMAIN')
    return (query, question) =>
      composeNegative(query, question, says === 'NODATA' ? RCODE.NOERROR : RCODE.NXDOMAIN, { ttl: 60 });
  if (says === 'SERVFAIL' || says === 'REFUSED')
    return (query, question) => composeFailure(query, question, RCODE[says]);
  if (says === 'cut')
    return (...asked) => (speech('11.0.0.9') as (...of: typeof asked) => Uint8Array)(...asked).slice(0, -3);
  if (says === 'other')
    return (query, question) => {
      const answer = composeAddresses(query, question, [parseAddress('11.0.0.9')!], 60);
      answer[0]! ^= 0xff;
      return answer;
    };
  const addresses = says.split(',').map((text) => parseAddress(text)!);
  return (query, question) => composeAddresses(query, question, addresses, 60);
}

interface Scene {
  readonly kind?: Kind;
  readonly type?: string;
  readonly unknown?: SplitOptions['unknown'];
  readonly remembered?: Verdict;
  readonly upstreamIPv6?: boolean;
  readonly china?: readonly string[];
  readonly trusted?: readonly string[];
  readonly local?: readonly string[];
}

async function play({
  kind = 'unknown',
  type = 'A',
  unknown = 'race',
  remembered,
  upstreamIPv6 = true,
  ...scripts
}: Scene) {
  const clock = createFakeClock();
  const exchangeFor = (side: Side) => scripted(side, clock, () => (scripts[side] ?? []).map(line));
  const exchanges = {
    china: exchangeFor('china'),
    trusted: exchangeFor('trusted'),
    local: exchangeFor('local'),
  };
  const verdicts = new Map<string, Verdict>(remembered ? [['name.example', remembered]] : []);
  const split = createSplit({
    exchanges,
    unknown,
    verdicts: {
      lookup: (name) => verdicts.get(name),
      record: (name, verdict) => void verdicts.set(name, verdict),
    },
    upstreamIPv6,
    clock,
    isChinese,
    isSpecial,
  });
  const query = queryFor('name.example', typeNumber(type)!, { id: 0x1234 })!;
  const { question } = readQuery(query);
  const answer = await clock.until(split(query, question!, kind));
  return {
    query,
    answer,
    seen: {
      says: wordsOf(answer.message),
      side: answer.side,
      ms: clock.now(),
      asked: answer.asked.map(({ side }) => side).join(),
      verdict: verdicts.get('name.example'),
    },
    left: {
      timers: clock.waiting,
      questions: Object.values(exchanges).reduce((sum, { pending }) => sum + pending, 0),
    },
  };
}

function wordsOf(message: Uint8Array): string {
  const rcode = rcodeOf(message);
  if (rcode !== RCODE.NOERROR) return Object.entries(RCODE).find(([, number]) => number === rcode)![0];
  return addressesOf(message).map(formatAddress).join() || 'NODATA';
}

type Seen = Awaited<ReturnType<typeof play>>['seen'];

/** says, side, ms, who was asked, what is remembered then */
type Expected = [string, Seen['side'], number, string, Verdict?];

function scenes(name: string, rows: readonly [string, Scene, Expected][]): void {
  describe(name, () => {
    test.each(rows as [string, Scene, Expected][])(
      '%s',
      async (_, scene, [says, side, ms, asked, verdict]) => {
        const { seen, left } = await play(scene);
        expect(seen).toEqual({ says, side, ms, asked, verdict });
        expect(left).toEqual({ timers: 0, questions: 0 });
      },
    );
  });
}

scenes('an unknown name', [
  [
    'Chinese, China first',
    { china: ['20 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['11.0.0.1', 'china', 20, 'china,trusted', 'china'],
  ],
  [
    'Chinese, China later than the trusted side',
    { china: ['300 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['11.0.0.1', 'china', 300, 'china,trusted', 'china'],
  ],
  [
    'Chinese in IPv6',
    { type: 'AAAA', china: ['20 2400::1'], trusted: ['200 2001:4860::1'] },
    ['2400::1', 'china', 20, 'china,trusted', 'china'],
  ],
  [
    'foreign, China first',
    { china: ['20 8.8.8.8'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'foreign, the trusted side first',
    { china: ['230 8.8.8.8'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 230, 'china,trusted', 'trusted'],
  ],
  [
    'one address of several is foreign',
    { china: ['20 11.0.0.1,8.8.8.8'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'China lies with loopback',
    { china: ['20 127.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'China lies with a Chinese address known from forgeries',
    { china: ['20 202.106.1.2'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'forged answers before the true, Chinese one',
    { china: ['5 8.7.198.45', '6 93.46.8.89', '40 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['11.0.0.1', 'china', 40, 'china,trusted', 'china'],
  ],
  [
    'answers of another question, or cut short, before the true one',
    { china: ['5 other', '6 cut', '40 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['11.0.0.1', 'china', 40, 'china,trusted', 'china'],
  ],
  [
    'NODATA from China for A',
    { china: ['20 NODATA'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'NXDOMAIN from China for A',
    { china: ['20 NXDOMAIN'], trusted: ['200 NXDOMAIN'] },
    ['NXDOMAIN', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'NODATA from both for AAAA proves nothing',
    { type: 'AAAA', china: ['20 NODATA'], trusted: ['200 NODATA'] },
    ['NODATA', 'trusted', 200, 'china,trusted'],
  ],
  [
    'NODATA from China for AAAA, an address from the trusted side',
    { type: 'AAAA', china: ['20 NODATA'], trusted: ['200 2001:4860::1'] },
    ['2001:4860::1', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'a type without addresses is not shown to China',
    { type: 'MX', china: ['20 NODATA'], trusted: ['200 NODATA'] },
    ['NODATA', 'trusted', 200, 'trusted'],
  ],
  [
    'China silent: the trusted side waits for it a while',
    { trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200 + GRACE_MS, 'china,trusted'],
  ],
  [
    'China unreachable',
    { china: ['1 ERR_DNS_UNREACHABLE'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'china,trusted'],
  ],
  [
    'China refuses',
    { china: ['20 REFUSED'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'china,trusted'],
  ],
  [
    'the trusted side unreachable, China Chinese',
    { china: ['20 11.0.0.1'], trusted: ['1 ERR_DNS_TLS'] },
    ['11.0.0.1', 'china', 20, 'china,trusted', 'china'],
  ],
  [
    'the trusted side unreachable, China foreign',
    { china: ['20 8.8.8.8'], trusted: ['1 ERR_DNS_TLS'] },
    ['SERVFAIL', undefined, 20, 'china,trusted'],
  ],
  [
    'the trusted side unreachable, China says NXDOMAIN',
    { china: ['20 NXDOMAIN'], trusted: ['1 ERR_DNS_TLS'] },
    ['SERVFAIL', undefined, 20, 'china,trusted'],
  ],
  [
    'the trusted side can’t, China foreign',
    { china: ['20 8.8.8.8'], trusted: ['30 SERVFAIL'] },
    ['SERVFAIL', 'trusted', 30, 'china,trusted'],
  ],
  [
    'both unreachable',
    { china: ['1 ERR_DNS_UNREACHABLE'], trusted: ['7 ERR_DNS_UNREACHABLE'] },
    ['SERVFAIL', undefined, 7, 'china,trusted'],
  ],
  ['both silent', {}, ['SERVFAIL', undefined, PATIENCE_MS, 'china,trusted']],
  [
    'the trusted side just in time',
    { trusted: ['3900 8.8.4.4'] },
    ['8.8.4.4', 'trusted', PATIENCE_MS, 'china,trusted'],
  ],
]);

scenes('an unknown name seen before', [
  [
    'Chinese: only China',
    { remembered: 'china', china: ['20 11.0.0.1'], trusted: ['1 8.8.4.4'] },
    ['11.0.0.1', 'china', 20, 'china', 'china'],
  ],
  [
    'Chinese, and any type',
    { remembered: 'china', type: 'MX', china: ['20 NODATA'] },
    ['NODATA', 'china', 20, 'china', 'china'],
  ],
  [
    'foreign: only the trusted side',
    { remembered: 'trusted', china: ['1 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'trusted', 'trusted'],
  ],
  [
    'foreign, the trusted side silent: China is not asked',
    { remembered: 'trusted', china: ['1 11.0.0.1'] },
    ['SERVFAIL', undefined, PATIENCE_MS, 'trusted', 'trusted'],
  ],
  [
    'Chinese once, but no longer',
    { remembered: 'china', china: ['20 8.8.8.8'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 220, 'china,trusted', 'trusted'],
  ],
  [
    'Chinese, and China silent',
    { remembered: 'china', trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', HEDGE_MS + 200, 'china,trusted', 'china'],
  ],
]);

scenes('trusted-only', [
  [
    'China never sees the name',
    { unknown: 'trusted-only', china: ['1 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'trusted'],
  ],
  [
    'not even one that it answered once',
    { unknown: 'trusted-only', remembered: 'china', china: ['1 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'trusted', 'china'],
  ],
  [
    'not even if the trusted side fails',
    { unknown: 'trusted-only', china: ['1 11.0.0.1'], trusted: ['9 ERR_DNS_TLS'] },
    ['SERVFAIL', undefined, 9, 'trusted'],
  ],
  [
    'names on the China list go there',
    { unknown: 'trusted-only', kind: 'china', china: ['1 11.0.0.1'] },
    ['11.0.0.1', 'china', 1, 'china'],
  ],
]);

scenes('AAAA where the upstream has no IPv6', [
  [
    'known to be foreign: nobody is asked',
    { upstreamIPv6: false, type: 'AAAA', remembered: 'trusted' },
    ['NODATA', 'trusted', 0, '', 'trusted'],
  ],
  [
    'trusted-only: nobody is asked',
    { upstreamIPv6: false, type: 'AAAA', unknown: 'trusted-only' },
    ['NODATA', 'trusted', 0, ''],
  ],
  [
    'found to be foreign',
    { upstreamIPv6: false, type: 'AAAA', china: ['20 2001:4860::1'], trusted: ['200 2001:4860::1'] },
    ['NODATA', 'trusted', 200, 'china,trusted', 'trusted'],
  ],
  [
    'found to be Chinese',
    { upstreamIPv6: false, type: 'AAAA', china: ['20 2400::1'] },
    ['2400::1', 'china', 20, 'china,trusted', 'china'],
  ],
  [
    'known to be Chinese',
    { upstreamIPv6: false, type: 'AAAA', remembered: 'china', china: ['20 2400::1'] },
    ['2400::1', 'china', 20, 'china', 'china'],
  ],
  [
    'nobody answers',
    { upstreamIPv6: false, type: 'AAAA' },
    ['SERVFAIL', undefined, PATIENCE_MS, 'china,trusted'],
  ],
  [
    'A as ever',
    { upstreamIPv6: false, remembered: 'trusted', trusted: ['9 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 9, 'trusted', 'trusted'],
  ],
]);

scenes('a name on the China list', [
  [
    'only China',
    { kind: 'china', china: ['20 11.0.0.1'], trusted: ['1 8.8.4.4'] },
    ['11.0.0.1', 'china', 20, 'china'],
  ],
  [
    'with an address abroad',
    { kind: 'china', china: ['20 8.8.8.8'], trusted: ['1 8.8.4.4'] },
    ['8.8.8.8', 'china', 20, 'china'],
  ],
  [
    'NXDOMAIN',
    { kind: 'china', china: ['20 NXDOMAIN'], trusted: ['1 8.8.4.4'] },
    ['NXDOMAIN', 'china', 20, 'china'],
  ],
  [
    'forged answers first',
    { kind: 'china', china: ['5 93.46.8.89', '6 127.0.0.1', '40 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['11.0.0.1', 'china', 40, 'china,trusted'],
  ],
  [
    'forged answers only',
    { kind: 'china', china: ['5 93.46.8.89'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 205, 'china,trusted'],
  ],
  [
    'loopback by intent: the trusted side confirms it',
    { kind: 'china', china: ['5 127.0.0.1'], trusted: ['200 127.0.0.1'] },
    ['127.0.0.1', 'trusted', 205, 'china,trusted'],
  ],
  [
    'China unreachable',
    { kind: 'china', china: ['1 ERR_DNS_UNREACHABLE'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 201, 'china,trusted'],
  ],
  [
    'China refuses',
    { kind: 'china', china: ['1 REFUSED'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 201, 'china,trusted'],
  ],
  [
    'China silent',
    { kind: 'china', trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', HEDGE_MS + 200, 'china,trusted'],
  ],
  [
    'China late, before the trusted side',
    { kind: 'china', china: ['1100 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['11.0.0.1', 'china', 1100, 'china,trusted'],
  ],
  ['both silent', { kind: 'china' }, ['SERVFAIL', undefined, PATIENCE_MS, 'china,trusted']],
  [
    'both unreachable',
    { kind: 'china', china: ['1 ERR_DNS_UNREACHABLE'], trusted: ['1 ERR_DNS_TLS'] },
    ['SERVFAIL', undefined, 2, 'china,trusted'],
  ],
]);

scenes('a name on the foreign list', [
  [
    'only the trusted side',
    { kind: 'foreign', china: ['1 11.0.0.1'], trusted: ['200 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 200, 'trusted'],
  ],
  [
    'whatever the trusted side says',
    { kind: 'foreign', trusted: ['200 127.0.0.1'] },
    ['127.0.0.1', 'trusted', 200, 'trusted'],
  ],
  [
    'that it failed, too',
    { kind: 'foreign', trusted: ['200 SERVFAIL'] },
    ['SERVFAIL', 'trusted', 200, 'trusted'],
  ],
  [
    'but not what can’t be read',
    { kind: 'foreign', trusted: ['200 cut', '210 8.8.4.4'] },
    ['8.8.4.4', 'trusted', 210, 'trusted'],
  ],
  ['silent', { kind: 'foreign', china: ['1 11.0.0.1'] }, ['SERVFAIL', undefined, PATIENCE_MS, 'trusted']],
]);

scenes('a local name', [
  [
    'the system’s resolver',
    { kind: 'local', local: ['3 10.0.0.7'], china: ['1 11.0.0.1'] },
    ['10.0.0.7', 'local', 3, 'local'],
  ],
  ['none', { kind: 'local', local: ['0 ERR_DNS_UNREACHABLE'] }, ['SERVFAIL', undefined, 0, 'local']],
]);

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
