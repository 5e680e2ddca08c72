import { describe, expect, test } from 'bun:test';
import type { Verdict } from '../../src/dns/cache/verdicts.ts';
import { GRACE_MS, HEDGE_MS, PATIENCE_MS } from '../../src/dns/race.ts';
import { play, type Scene } from './split_stage.ts';

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
