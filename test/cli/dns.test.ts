import { expect, test } from 'bun:test';
import { rendered } from '../../src/cli/dns.ts';
import type { NameReport } from '../../src/app/name_report.ts';

const a = (data: string) => ({ name: 'www.example.com', ttl: 60, type: 'A', data });
const REPORT: NameReport = {
  name: 'www.example.com',
  type: 'A',
  kind: 'unknown',
  why: 'in no list',
  reason: 'fq',
  side: 'trusted',
  rcode: 'NOERROR',
  records: [a('193.0.6.139')],
  cached: undefined,
  remembered: undefined,
  verdict: 'trusted',
  asked: [
    { side: 'china', ms: 8, judgement: 'bogus', rcode: 'NOERROR', records: [a('8.7.198.45'), a('0.0.0.0')], error: undefined },
    { side: 'trusted', ms: 190.4, judgement: 'foreign', rcode: 'NOERROR', records: [a('193.0.6.139')], error: undefined },
  ],
  ms: 190.9,
}; // prettier-ignore

test('a raced name is explained', () => {
  expect(rendered(REPORT)).toBe(`\
www.example.com A: NOERROR from trusted (fq), 190.9 ms
  www.example.com 60 A 193.0.6.139
kind     unknown: in no list
cache    not there
verdict  none before, trusted now
china    bogus after 8 ms: NOERROR 8.7.198.45, 0.0.0.0
trusted  foreign after 190.4 ms: NOERROR 193.0.6.139`);
});

test('so is one from the cache', () => {
  const cached: NameReport = {
    ...REPORT,
    reason: 'cached',
    cached: 42,
    verdict: undefined,
    asked: [],
    ms: 0.1,
  };
  expect(rendered(cached)).toBe(`\
www.example.com A: NOERROR from trusted (cached), 0.1 ms
  www.example.com 60 A 193.0.6.139
kind     unknown: in no list
cache    good for 42 s more`);
});

test('so is one that we answer ourselves', () => {
  const own: NameReport = { ...REPORT, kind: undefined, why: 'block *.example.com', reason: 'blocked', side: undefined, rcode: 'NXDOMAIN', records: [], verdict: undefined, asked: [], ms: 0 }; // prettier-ignore
  expect(rendered(own)).toBe(`\
www.example.com A: NXDOMAIN (blocked), 0 ms
kind     block *.example.com`);
});

test('so is one that nobody answers', () => {
  const failed: NameReport = {
    ...REPORT,
    reason: 'failed',
    side: undefined,
    rcode: 'SERVFAIL',
    records: [],
    verdict: undefined,
    asked: [
      { side: 'china', ms: undefined, judgement: 'pending', rcode: undefined, records: [], error: undefined },
      {
        side: 'trusted',
        ms: 3,
        judgement: 'failed',
        rcode: undefined,
        records: [],
        error: 'tcp://8.8.8.8: refused',
      },
    ],
    ms: 4000,
  };
  expect(rendered(failed)).toBe(`\
www.example.com A: SERVFAIL (failed), 4000 ms
kind     unknown: in no list
cache    not there
china    pending
trusted  failed after 3 ms: tcp://8.8.8.8: refused`);
});
