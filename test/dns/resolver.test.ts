import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { answers, rcodeOf, addressesOf, isTruncated } from '../../src/dns/wire/answer.ts';
import { composeAddresses, composeFailure } from '../../src/dns/wire/compose.ts';
import { RCODE, TYPE } from '../../src/dns/wire/constants.ts';
import { flagsOf, FLAG, setFlags } from '../../src/dns/wire/header.ts';
import { queryFor, type QueryOptions } from '../../src/dns/wire/query.ts';
import { layoutOf } from '../../src/dns/wire/records.ts';
import { minTtl } from '../../src/dns/wire/ttl.ts';
import { formatAddress, parseAddress } from '../../src/net/address.ts';
import { ExchangeError } from '../../src/dns/exchange/exchange.ts';
import type { Line } from './scripted_exchange.ts';
import { stage, type Scripts } from './resolver_stage.ts';

const gives = (text: string, { at = 10, ttl = 60 } = {}): Line => ({
  at,
  says: (query, question) =>
    composeAddresses(
      query,
      question,
      text.split(',').map((one) => parseAddress(one)!),
      ttl,
    ),
});
const SILENCE: Line[] = [];

type Stage = ReturnType<typeof stage>;

function begin({ resolver }: Stage, query: Uint8Array, transport: 'udp' | 'tcp' = 'udp') {
  return resolver.resolve(query, '192.0.2.9', transport);
}

const later = (on: Stage, query: Uint8Array) => Promise.resolve(begin(on, query)!);

async function ask(on: Stage, name: string, type: number = TYPE.A, options: QueryOptions = {}) {
  const query = queryFor(name, type, { id: 0x4242, payload: null, ...options })!;
  const answer = await on.clock.until(later(on, query));
  expect(answers(query, answer)).toBe(true);
  return answer;
}

const texts = (message: Uint8Array) => addressesOf(message).map(formatAddress);
const waysOf = ({ logged }: Stage) => logged.map(({ reason, side }) => (side ? `${reason} ${side}` : reason));

const pass = (on: Stage, ms: number) =>
  on.clock.until(new Promise<void>((resolve) => void on.clock.after(ms, resolve)));

describe('the way of a name', () => {
  test('is asked once, then given from the cache at once, with its TTL aged', async () => {
    const on = stage({ china: () => [gives('11.0.0.1')] });
    expect(texts(await ask(on, 'a.cn.example'))).toEqual(['11.0.0.1']);
    await pass(on, 7_000);
    const query = queryFor('a.cn.example', TYPE.A, { id: 7 })!;
    const hit = begin(on, query);
    expect(hit).toBeInstanceOf(Uint8Array);
    expect(answers(query, hit as Uint8Array)).toBe(true);
    expect(minTtl(hit as Uint8Array)).toBe(53);
    expect(on.exchanges.china.asked).toEqual(['a.cn.example']);
    expect(waysOf(on)).toEqual(['cn china', 'cached china']);
  });

  test.each([
    ['a.cn.example', 'cn china'],
    ['a.abroad.example', 'fq trusted'],
    ['unknown-chinese.example', 'cn china'],
    ['router', 'local local'],
  ])('%s: %s', async (name, way) => {
    const on = stage({
      china: () => [gives('11.0.0.1')],
      trusted: () => [gives('8.8.4.4', { at: 50 })],
      local: () => [gives('127.0.0.1')],
    });
    await ask(on, name);
    expect(waysOf(on)).toEqual([way]);
  });

  test('answers of its own ask nobody', async () => {
    const on = stage(
      {},
      {
        hosts: new Map([['host.example', [parseAddress('192.0.2.1')!]]]),
        block: ['ads.example'],
        refuseTypes: { china: [TYPE.HTTPS], foreign: [], unknown: [] },
      },
    );
    expect(texts(await ask(on, 'host.example'))).toEqual(['192.0.2.1']);
    expect(rcodeOf(await ask(on, 'ads.example'))).toBe(RCODE.NXDOMAIN);
    expect(rcodeOf(await ask(on, 'a.cn.example', TYPE.HTTPS))).toBe(RCODE.NOERROR);
    expect(waysOf(on)).toEqual(['mapped', 'blocked', 'disabled']);
    expect(Object.values(on.exchanges).flatMap(({ asked }) => asked)).toEqual([]);
  });

  test('remembers which name an address was given for, from the cache too', async () => {
    const on = stage({ trusted: () => [gives('8.8.4.4,8.8.8.8')] });
    await ask(on, 'a.abroad.example');
    await pass(on, 10_000);
    await ask(on, 'a.abroad.example');
    expect(on.remembered).toEqual([
      '8.8.4.4 a.abroad.example 60',
      '8.8.8.8 a.abroad.example 60',
      '8.8.4.4 a.abroad.example 50',
      '8.8.8.8 a.abroad.example 50',
    ]);
  });

  test('whoever asks the same meanwhile waits for the same answer, each with an own id and spelling', async () => {
    const on = stage({ trusted: () => [gives('8.8.4.4')] });
    const queries = ['a.abroad.example', 'A.Abroad.EXAMPLE'].map((name, id) =>
      queryFor(name, TYPE.A, { id })!,
    );
    const given = await on.clock.until(Promise.all(queries.map((query) => later(on, query))));
    expect(on.exchanges.trusted.asked).toEqual(['a.abroad.example']);
    queries.forEach((query, i) => expect(answers(query, given[i]!, { exactCase: true })).toBe(true));
  });

  test('new rules count from the next query on', async () => {
    const on = stage({ china: () => [gives('11.0.0.1')] });
    await ask(on, 'a.cn.example');
    const other = stage({}, { block: ['*.cn.example'] });
    on.resolver.use(other.rules);
    expect(rcodeOf(await ask(on, 'a.cn.example'))).toBe(RCODE.NXDOMAIN);
    expect(waysOf(other)).toEqual(['blocked']);
  });

  test('new rules count for an answer that was asked for by the old ones, and came later', async () => {
    const on = stage({ china: () => [gives('11.0.0.1')] });
    const early = ask(on, 'a.cn.example');
    const other = stage({}, { block: ['*.cn.example'] });
    on.resolver.use(other.rules);
    expect(rcodeOf(await early)).toBe(RCODE.NOERROR);
    expect(rcodeOf(await ask(on, 'a.cn.example'))).toBe(RCODE.NXDOMAIN);
    on.resolver.use(on.rules);
    expect(texts(await ask(on, 'a.cn.example'))).toEqual(['11.0.0.1']);
    expect(on.exchanges.china.asked).toEqual(['a.cn.example']);
  });
});

describe('what has expired', () => {
  const failing = new ExchangeError('ERR_DNS_UNREACHABLE', 'gone');

  test('is asked for anew, and the new answer given if it comes soon', async () => {
    let address = '11.0.0.1';
    const on = stage({ china: () => [gives(address)] });
    await ask(on, 'a.cn.example');
    address = '11.0.0.2';
    await pass(on, 61_000);
    expect(texts(await ask(on, 'a.cn.example'))).toEqual(['11.0.0.2']);
    expect(waysOf(on)).toEqual(['cn china', 'cn china']);
  });

  test('is given if the new one takes too long, which then is there for the next', async () => {
    let at = 10;
    const on = stage({ trusted: () => [gives('8.8.4.4', { at })] });
    await ask(on, 'a.abroad.example');
    await pass(on, 61_000);
    at = 2_500;
    const began = on.clock.now();
    const stale = await ask(on, 'a.abroad.example');
    expect(on.clock.now() - began).toBe(1_800);
    expect([texts(stale), minTtl(stale)]).toEqual([['8.8.4.4'], 30]);
    await pass(on, 1_000);
    await ask(on, 'a.abroad.example');
    expect(waysOf(on)).toEqual(['fq trusted', 'stale trusted', 'cached trusted']);
  });

  test('is given at once if asking failed, and at once again to the next', async () => {
    let script = [gives('8.8.4.4')];
    const on = stage({ trusted: () => script });
    await ask(on, 'a.abroad.example');
    await pass(on, 61_000);
    script = [{ at: 5, says: failing }];
    expect(texts(await ask(on, 'a.abroad.example'))).toEqual(['8.8.4.4']);
    const now = on.clock.now();
    expect(texts(await ask(on, 'a.abroad.example'))).toEqual(['8.8.4.4']);
    expect(on.clock.now()).toBe(now);
    expect(on.exchanges.trusted.asked.length).toBe(2);
    expect(waysOf(on)).toEqual(['fq trusted', 'stale trusted', 'stale trusted']);
  });

  test('a name in use is asked for shortly before', async () => {
    const on = stage({ china: () => [gives('11.0.0.1')] });
    await ask(on, 'a.cn.example');
    await ask(on, 'a.cn.example');
    await pass(on, 57_000);
    await ask(on, 'a.cn.example');
    await pass(on, 20);
    expect(on.exchanges.china.asked.length).toBe(2);
    expect(minTtl(await ask(on, 'a.cn.example'))).toBe(60);
    expect(waysOf(on)).toEqual(['cn china', 'cached china', 'cached china', 'cached china']);
  });
});

describe('the form of an answer', () => {
  const optsOf = (message: Uint8Array) =>
    layoutOf(message)!.records.filter(({ type }) => type === TYPE.OPT).length;
  const many = Array.from({ length: 40 }, (_, i) => `8.8.4.${i}`).join();

  test.each([
    ['not from the cache', 0],
    ['from the cache', 1],
  ])('has EDNS if and only if the query had: %s', async (_, before) => {
    const on = stage({ trusted: () => [gives('8.8.4.4')] });
    for (let i = 0; i < before; i++) await ask(on, 'a.abroad.example');
    expect(optsOf(await ask(on, 'a.abroad.example'))).toBe(0);
    expect(optsOf(await ask(on, 'a.abroad.example', TYPE.A, { payload: 1232 }))).toBe(1);
    expect(on.exchanges.trusted.asked.length).toBe(1);
  });

  test('is no longer than the asker takes, and says if it was cut', async () => {
    const on = stage({ trusted: () => [gives(many)] });
    const sizes = async (options: QueryOptions) => {
      const message = await ask(on, 'a.abroad.example', TYPE.A, options);
      return [message.length <= (options.payload ?? 512), isTruncated(message), texts(message).length];
    };
    expect(await sizes({})).toEqual([true, true, 29]);
    expect(await sizes({})).toEqual([true, true, 29]);
    expect(await sizes({ payload: 512 })).toEqual([true, true, 29]);
    expect(await sizes({ payload: 1232 })).toEqual([true, false, 40]);
    const whole = begin(on, queryFor('a.abroad.example', TYPE.A, { payload: null })!, 'tcp') as Uint8Array;
    expect([isTruncated(whole), texts(whole).length]).toEqual([false, 40]);
  });

  test('says that it is authentic to those who asked', async () => {
    const authentic: Line = {
      at: 1,
      says(query, question) {
        const message = composeAddresses(query, question, [parseAddress('8.8.4.4')!], 60);
        setFlags(message, flagsOf(message) | FLAG.AD);
        return message;
      },
    };
    const on = stage({ trusted: () => [authentic] });
    const asking = queryFor('a.abroad.example', TYPE.A)!;
    setFlags(asking, flagsOf(asking) | FLAG.AD);
    const first = await ask(on, 'a.abroad.example');
    expect(flagsOf(first) & FLAG.AD).toBe(0);
    expect(flagsOf(begin(on, asking) as Uint8Array) & FLAG.AD).toBe(FLAG.AD);
  });
});

describe('what is no query for us', () => {
  const flagged = (flags: number) => {
    const query = queryFor('a.abroad.example', TYPE.A)!;
    setFlags(query, flags);
    return query;
  };
  test.each([
    ['an answer', flagged(FLAG.QR), undefined],
    ['half a header', new Uint8Array(11), undefined],
    ['a question cut short', flagged(FLAG.RD).slice(0, 20), RCODE.FORMERR],
    ['another opcode', flagged(0x2800), RCODE.NOTIMP],
    ['a transfer', queryFor('a.abroad.example', TYPE.AXFR)!, RCODE.REFUSED],
  ])('%s', (_, message, rcode) => {
    const on = stage({});
    const answer = begin(on, message) as Uint8Array | undefined;
    expect(answer && rcodeOf(answer)).toBe(rcode);
    expect(on.failures).toEqual([]);
  });

  test('any bytes are met with silence or a message that can be read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.boolean(), async (noise, headed) => {
        const on = stage({ china: () => [gives('11.0.0.1')] });
        const bytes = headed ? Uint8Array.of(1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...noise) : noise;
        const given = begin(on, bytes);
        if (given === undefined) return;
        const message = await on.clock.until(Promise.resolve(given));
        expect(layoutOf(message)).toBeDefined();
        expect([...message.subarray(0, 2)]).toEqual([...bytes.subarray(0, 2)]);
        expect(on.failures).toEqual([]);
      }),
    );
  });
});

describe('when it goes wrong', () => {
  test('as many wait as may; more are refused, but not what the cache has', async () => {
    const on = stage(
      { trusted: (question) => (question.name.startsWith('a') ? [gives('8.8.4.4')] : SILENCE) },
      {},
      { limit: 50 },
    );
    await ask(on, 'a.abroad.example');
    const waiting = Array.from({ length: 50 }, (_, i) =>
      later(on, queryFor(`n${i}.abroad.example`, TYPE.A)!),
    );
    expect(rcodeOf(await ask(on, 'more.abroad.example'))).toBe(RCODE.REFUSED);
    expect(texts(await ask(on, 'a.abroad.example'))).toEqual(['8.8.4.4']);
    const given = await on.clock.until(Promise.all(waiting));
    expect(new Set(given.map((message) => rcodeOf(message)))).toEqual(new Set([RCODE.SERVFAIL]));
    expect(on.exchanges.trusted.pending).toBe(0);
  });

  test('a thousand are asked for at once, the others in their turn', async () => {
    const on = stage({ trusted: () => [gives('8.8.4.4', { at: 1_000 })] });
    const all = Array.from({ length: 2_500 }, (_, i) => later(on, queryFor(`n${i}.abroad.example`, TYPE.A)!));
    const pending: number[] = [];
    for (const at of [500, 1_500, 2_500])
      on.clock.after(at, () => void pending.push(on.exchanges.trusted.pending));
    const given = await on.clock.until(Promise.all(all));
    expect(pending).toEqual([1_000, 1_000, 500]);
    expect(new Set(given.map(texts).flat())).toEqual(new Set(['8.8.4.4']));
    expect(on.exchanges.trusted.asked).toHaveLength(2_500);
  });

  test('whose turn does not come is told so before its patience is over, and nobody is asked', async () => {
    const on = stage({ trusted: () => SILENCE });
    const asked = Array.from({ length: 1_000 }, (_, i) =>
      later(on, queryFor(`n${i}.abroad.example`, TYPE.A)!),
    );
    const given = await on.clock.until(later(on, queryFor('more.abroad.example', TYPE.A)!));
    expect(rcodeOf(given)).toBe(RCODE.REFUSED);
    expect(on.clock.now()).toBe(3_000);
    await on.clock.until(Promise.all(asked));
    expect(on.exchanges.trusted.asked).not.toContain('more.abroad.example');
    expect(on.clock.waiting).toBe(0);
  });

  test('a failure is kept for some seconds, so that a program in a loop does not wait again and again', async () => {
    const on = stage({ trusted: () => SILENCE });
    expect(rcodeOf(await ask(on, 'a.abroad.example'))).toBe(RCODE.SERVFAIL);
    expect(rcodeOf(begin(on, queryFor('a.abroad.example', TYPE.A)!) as Uint8Array)).toBe(RCODE.SERVFAIL);
    expect(waysOf(on)).toEqual(['failed', 'cached trusted']);
  });

  test.each([
    ['at once', { china: () => [gives('11.0.0.1')] }],
    ['later', { trusted: () => [gives('8.8.4.4')] }],
  ] as [string, Scripts][])('what is thrown %s is told, and the asker gets SERVFAIL', async (_, scripts) => {
    const on = stage(scripts);
    const broken = {
      ...on.rules,
      log: {
        write: () => {
          throw new Error('disk');
        },
        close: () => {},
      },
    };
    on.resolver.use(broken);
    expect(
      rcodeOf(await ask(on, Object.hasOwn(scripts, 'china') ? 'a.cn.example' : 'a.abroad.example')),
    ).toBe(RCODE.SERVFAIL);
    expect(on.failures.map(String)).toEqual(['Error: disk']);
  });

  test('a resolver’s own failure is passed on', async () => {
    const refusing: Line = {
      at: 1,
      says: (query, question) => composeFailure(query, question, RCODE.REFUSED),
    };
    const on = stage({ trusted: () => [refusing] });
    expect(rcodeOf(await ask(on, 'a.abroad.example'))).toBe(RCODE.REFUSED);
  });
});

describe('explain', () => {
  const scripts = { china: () => [gives('9.9.9.9')], trusted: () => [gives('8.8.4.4', { at: 30 })] };

  test('tells whom it asked and what they said, then what the cache has', async () => {
    const on = stage(scripts);
    const told = (await on.clock.until(on.resolver.explain('New.example', TYPE.A)))!;
    expect({
      ...told,
      answer: texts(told.answer),
      split: told.split?.asked.map(({ side, judgement }) => `${side} ${judgement}`),
    }).toEqual({
      answer: ['8.8.4.4'],
      reason: 'fq',
      side: 'trusted',
      kind: 'unknown',
      why: 'in no list',
      remaining: undefined,
      split: ['china foreign', 'trusted foreign'],
      ms: 30,
    });
    expect(await on.resolver.explain('new.example', TYPE.A)).toMatchObject({
      reason: 'cached',
      remaining: 60,
      split: undefined,
    });
    const anew = on.clock.until(on.resolver.explain('new.example', TYPE.A, { anew: true }));
    expect((await anew)?.split).toMatchObject({ remembered: 'trusted', verdict: 'trusted' });
    expect(on.logged).toEqual([]);
  });

  test('names the list, and the rule', async () => {
    const on = stage(scripts, { block: ['ads.example'] });
    const why = async (name: string) => (await on.clock.until(on.resolver.explain(name, TYPE.A)))?.why;
    expect(await why('a.abroad.example')).toContain('/lists/a.txt');
    expect(await why('ads.example')).toBe('block ads.example');
    expect(await why('..')).toBeUndefined();
  });
});
