/** The rules on the real kernel, in namespaces; the nft program is the witness. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../../src/net/address.ts';
import { parseCidr } from '../../../src/net/cidr.ts';
import { addressWords, rangesOf, rangeCount, union, type DualRanges } from '../../../src/net/ranges.ts';
import type { Refusal } from '../../../src/redirect/nftables/connection.ts';
import { createNftables, makeRules } from '../../../src/redirect/nftables/nftables.ts';
import { NFT_MSG } from '../../../src/redirect/nftables/uapi.ts';
import { Netns } from '../../lab/netns.ts';
import { describeNeeding } from '../../needs.ts';
import vectors from '../../vectors/nftables.json';
import { Held } from './held.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { plan } from '../plan.ts';
import { hold, manyRanges, SCRIPT_DONE } from './holding.ts';
import { planText } from './scripts/plan.ts';

const once = async (ns: Netns, verb: 'clean' | 'probe'): Promise<unknown> => {
  const { stdout } = await ns.script(new URL('scripts/once.ts', import.meta.url).pathname, [verb]);
  return JSON.parse(stdout);
};

/** What `nft -j list set` says, as the words of a RangeSet. */
async function listed(ns: Netns, family: 4 | 6): Promise<number[]> {
  const json = JSON.parse(await ns.must(['nft', '-j', 'list', 'set', 'inet', 'snet', `bypass${family}`]));
  const elements: NftElement[] = json.nftables.find((entry: { set?: unknown }) => entry.set).set.elem ?? [];
  const sets = elements.map((element) => {
    if (typeof element === 'object' && 'range' in element) {
      const words = element.range.flatMap((text) => [...addressWords(parseAddress(text)!)]);
      return { family, words: Uint32Array.from(words) };
    }
    const text = typeof element === 'string' ? element : `${element.prefix.addr}/${element.prefix.len}`;
    return rangesOf([parseCidr(text)!])[family === 4 ? 'v4' : 'v6'];
  });
  // Touching ranges would become one here: that there are as many as nft has listed is checked by the caller's words.
  return [...union(family, sets).words];
}

type NftElement =
  | string
  | { readonly range: [string, string] }
  | { readonly prefix: { readonly addr: string; readonly len: number } };

describeNeeding(['root', 'ip', 'nft', 'setpriv'], 'the rules in the kernel', () => {
  let ns: Netns;
  beforeAll(async () => {
    ns = await Netns.create('nft');
  });
  afterAll(() => ns[Symbol.asyncDispose]());

  test('are listed as those that nft makes of the same text', async () => {
    // Of rules that stand in for each other, only those of this plan.
    const others = /oif|nfproto ipv4 (?:meta|udp|tcp)|"resolvers of this link"/;
    const text = vectors.scripts[1]!.filter((line) => !others.test(line)).join('\n');
    const rulesOf = async () =>
      (await ns.must(['nft', 'list', 'ruleset']))
        .replace(/ # progname .*/, '')
        .replace('\tflags owner\n', '')
        .replace(/\tcomment "rules of .*\n\n/, '');
    await ns.must(['nft', '-f', '-'], { stdin: text });
    const theirs = await rulesOf();
    await ns.must(['nft', 'flush', 'ruleset']);
    await using _ = await hold(
      ns,
      plan(rangesFrom('0.0.0.0/8', '10.0.0.0/8', '255.255.255.0/24', '::/127', '2001:db8::/32', 'ff00::/8'), {
        dns: 1053,
        linkLocalDns: 1054,
      }),
    );
    expect(theirs).toContain('255.255.255.0/24');
    expect(await rulesOf()).toBe(theirs);
  });

  test('are gone after remove(), which may be called twice, and apply() may follow', async () => {
    await using held = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    expect(await held.say('remove')).toMatch(SCRIPT_DONE);
    expect(await ns.must(['nft', 'list', 'ruleset'])).toBe('');
    expect(await held.say('remove')).toMatch(SCRIPT_DONE);
    expect(await held.say(`apply ${planText(plan(rangesFrom('11.0.0.0/8')))}`)).toMatch(SCRIPT_DONE);
    expect(await ns.must(['nft', 'list', 'ruleset'])).toContain('11.0.0.0/8');
  });

  test('apply() on top of our own rules replaces them', async () => {
    await using held = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    expect(await held.say(`apply ${planText(plan(rangesFrom('11.0.0.0/8'), { port: 2222 }))}`)).toMatch(
      SCRIPT_DONE,
    );
    const rules = await ns.must(['nft', 'list', 'ruleset']);
    expect(rules).toContain('redirect to :2222');
    expect(rules).not.toContain('10.0.0.0/8');
    expect(rules.match(/chain output/g)).toHaveLength(1);
  });

  test('do not change their port, group or families in an update()', async () => {
    await using held = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    for (const [key, value] of [
      ['port', 2222],
      ['dns', 2222],
      ['linkLocalDns', 2222],
      ['gid', 1],
      ['ipv6', false],
    ] as const) {
      const answer = await held.say(planText(plan(rangesFrom('11.0.0.0/8'), { [key]: value })));
      expect(JSON.parse(answer)).toEqual({ message: `update changes ranges only, not ${key}` });
    }
    expect(await ns.must(['nft', 'list', 'ruleset'])).toContain('10.0.0.0/8');
  });

  test('are gone when the process is killed', async () => {
    const held = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    await held.kill();
    expect(await ns.must(['nft', 'list', 'ruleset'])).toBe('');
  });

  test('stay when others flush or delete', async () => {
    await using _ = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    await ns.must(['nft', 'flush', 'ruleset']);
    const refused = await ns.run(['nft', 'delete', 'table', 'inet', 'snet']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('Operation not permitted');
    expect(await ns.must(['nft', 'list', 'ruleset'])).toContain('redirect to :1111');
  });

  test('of another process are named with it, and are not touched', async () => {
    await using first = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    const [second, line] = await Held.start(ns, 'hold.ts', planText(plan(rangesFrom('11.0.0.0/8'))));
    await using _ = second;
    const error = JSON.parse(line);
    const command = await Bun.file(`/proc/${first.pid}/comm`).text();
    expect(error.status).toBe('ERR_REDIRECT_HELD');
    expect(error.message).toBe(
      `the nftables table inet snet is held by process ${first.pid} (${command.trim()})`,
    );
    expect(await once(ns, 'clean')).toEqual(error);
    expect(await ns.must(['nft', 'list', 'ruleset'])).toContain('10.0.0.0/8');
  });

  test('without an owner are replaced by apply(), removed by clean', async () => {
    const leftover = 'table inet snet { chain output { type nat hook output priority -100; }; }';
    await ns.must(['nft', '-f', '-'], { stdin: leftover });
    expect(await once(ns, 'clean')).toEqual(['the nftables table inet snet, which no process owned']);
    expect(await once(ns, 'clean')).toEqual([]);
    expect(await ns.must(['nft', 'list', 'ruleset'])).toBe('');

    await ns.must(['nft', '-f', '-'], { stdin: leftover });
    await using _ = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    expect(await ns.must(['nft', 'list', 'ruleset'])).toContain('flags owner');
  });

  test('are only rehearsed by the probe', async () => {
    await using monitor = ns.spawn(['nft', 'monitor']);
    let seen = '';
    const watching = (async () => {
      for await (const chunk of monitor.stdout) seen += new TextDecoder().decode(chunk);
    })();
    /** Makes changes until the monitor has told of one: it hears what comes from now on, or has told what came before. */
    const witnessed = async (table: string) => {
      while (!seen.includes(`delete table ip ${table}`))
        await ns.must(['nft', `add table ip ${table}; delete table ip ${table}`]);
    };
    await witnessed('before');
    expect(await once(ns, 'probe')).toBe('usable');
    await witnessed('after');
    monitor.kill();
    await watching;
    expect(seen).not.toContain('snet');
    await using _ = await hold(ns, plan(rangesFrom('10.0.0.0/8')));
    expect(await once(ns, 'probe')).toBe('usable');
  });

  test('need a capability, and say so', async () => {
    const script = new URL('scripts/once.ts', import.meta.url).pathname;
    const inside = ['setpriv', '--bounding-set=-net_admin', process.execPath, script];
    expect(JSON.parse(await ns.must([...inside, 'probe']))).toBe(
      'no permission to change the nftables rules',
    );
    expect(JSON.parse(await ns.must([...inside, 'clean']))).toEqual({
      status: 'ERR_REDIRECT_PERMISSION',
      message: 'no permission to change the nftables rules',
      hint: 'run it as root (sudo), or with the capability CAP_NET_ADMIN',
    });
  });

  test('that the kernel refuses are named', async () => {
    const overlapping = { family: 4, words: Uint32Array.of(1, 10, 5, 20) } as const;
    const { v6 } = rangesFrom('fc00::/7');
    const [held, line] = await Held.start(ns, 'hold.ts', planText(plan({ v4: overlapping, v6 })));
    await using _ = held;
    expect(JSON.parse(line)).toEqual({
      status: 'ERR_REDIRECT_KERNEL',
      message: expect.stringMatching(
        /^nftables: the kernel refused set bypass4 elements 1\.\.2: EEXIST( \(at byte \d+ of the message\))?$/,
      ),
    });
    expect(await ns.must(['nft', 'list', 'ruleset'])).toBe('');

    // The same in an update: what was in force stays.
    await held.say(`apply ${planText(plan(rangesFrom('10.0.0.0/8')))}`);
    expect(JSON.parse(await held.say(planText(plan({ v4: overlapping, v6 })))).message).toContain(
      'set bypass4 elements 1..2: EEXIST',
    );
    expect(await ns.must(['nft', 'list', 'ruleset'])).toContain('10.0.0.0/8');
  });

  test('have exactly the ranges that they were given', async () => {
    await using held = await hold(ns, plan(rangesFrom()));
    const word = fc.oneof(fc.constantFrom(0, 1, 0xfffffffe, 0xffffffff), fc.nat(0xffffffff));
    const someRanges = (family: 4 | 6) => {
      const address = fc.array(word, { minLength: family === 4 ? 1 : 4, maxLength: family === 4 ? 1 : 4 });
      const pair = fc.tuple(address, address).map((pair) => pair.sort(lexical).flat());
      return fc.array(pair, { maxLength: 40 }).map((pairs) =>
        union(
          family,
          pairs.map((pair) => ({ family, words: Uint32Array.from(pair) })),
        ),
      );
    };
    await fc.assert(
      fc.asyncProperty(someRanges(4), someRanges(6), async (v4, v6) => {
        expect(await held.say(planText(plan({ v4, v6 })))).toMatch(SCRIPT_DONE);
        expect(await listed(ns, 4)).toEqual([...v4.words]);
        expect(await listed(ns, 6)).toEqual([...v6.words]);
      }),
      { numRuns: 60, examples: ENDS },
    );
  });

  test('take thousands of ranges', async () => {
    const { v4, v6 } = manyRanges(5000, 2000);
    // An argument of a program can't be that long, a line can.
    await using held = await hold(ns, plan(rangesFrom()));
    await held.say('remove');
    const apply = await held.say(`apply ${planText(plan({ v4, v6 }))}`);
    expect(apply).toMatch(SCRIPT_DONE);
    const update = await held.say(planText(plan({ v4, v6 })));
    expect(update).toMatch(SCRIPT_DONE);
    expect(await listed(ns, 4)).toEqual([...v4.words]);
    expect(await listed(ns, 6)).toEqual([...v6.words]);
    const removal = await held.say('remove');
    process.stderr.write(
      `${rangeCount(v4)} + ${rangeCount(v6)} ranges, ms: apply ${apply.slice(5)}, update ${update.slice(5)}, remove ${removal.slice(5)}\n`,
    );
  });
});

/** Ends of the address space, which have no successor or no predecessor. */
const ENDS = [
  ['0.0.0.0/0', '::/0'],
  ['255.255.255.255/32', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
  ['0.0.0.0/32', '::/128'],
].map((cidrs): [DualRanges['v4'], DualRanges['v6']] => {
  const { v4, v6 } = rangesFrom(...cidrs);
  return [v4, v6];
});

function lexical(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

describe('makeRules()', () => {
  const fib = { object: `rule "this machine's own addresses"`, type: NFT_MSG.NEWRULE };
  const table = { object: 'table inet snet', type: NFT_MSG.NEWTABLE };
  const [EPERM, ENOENT] = [1, 2];

  /** @returns what came of it, and how often the kernel was asked */
  const offered = (...answers: (Refusal | undefined)[]) => {
    let offers = 0;
    const made = makeRules(plan(rangesFrom()), () => answers[offers++]);
    return { ...made, offers };
  };

  test('does without fib where the kernel refuses it', () => {
    const made = offered({ request: fib, errno: ENOENT, reason: 'ENOENT' }, undefined);
    expect(made).toEqual({ locality: 'oif', refusal: undefined, offers: 2 });
  });

  test('says what else is lacking then', () => {
    const redirect = { object: 'rule "all else goes to snet"', type: NFT_MSG.NEWRULE };
    const refusal = { request: redirect, errno: ENOENT, reason: 'ENOENT' };
    const made = offered({ request: fib, errno: ENOENT, reason: 'ENOENT' }, refusal);
    expect(made).toEqual({ locality: 'oif', refusal, offers: 2 });
  });

  test('does not try again for another reason', () => {
    for (const [request, errno] of [
      [table, EPERM],
      [table, ENOENT],
      [fib, EPERM],
    ] as const) {
      const refusal = { request, errno, reason: 'REASON' };
      expect(offered(refusal)).toEqual({ locality: 'fib', refusal, offers: 1 });
    }
  });
});

test('update() without apply() is an error of the program', async () => {
  const failure = await createNftables()
    .update(plan(rangesFrom()))
    .catch((error: unknown) => error);
  expect(failure).toEqual(new TypeError('update without apply'));
});
