/** What may be wrong with either side's resolver, or be done to it on the way: the right answer comes all the same, or SERVFAIL. */
import { expect, test } from 'bun:test';
import { dig, statusOf } from '../lab/dig.ts';
import { startDnsmasq, type DnsmasqOptions } from '../lab/dnsmasq.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { start, type Program } from '../lab/program.ts';
import { beside } from '../lab/snet.ts';
import {
  CHINA_RESOLVER,
  CHINA_ZONES,
  configure,
  ELSEWHERE,
  placeResolvers,
  TRUSTED,
  TRUSTED_ZONES,
} from '../lab/two_sides.ts';
import { startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const MEDDLER = new URL('../lab/meddler.ts', import.meta.url).pathname;

/** An answer of many addresses that no datagram takes; what a resolver says of it is what it says of none. */
const CROWD = Array.from({ length: 120 }, (_, n) => `223.5.5.${n + 10}`);

/** What is done, as in meddler.ts, to whom; and what is answered. */
const MEDDLED: readonly (readonly [name: string, address: string])[] = [
  // The zones as they are.
  ['www.shop.cn', CHINA.v4],
  ['www.near.example', CHINA.v4],
  ['www.news.example', ABROAD.v4],
  ['www.far.example', ABROAD.v4],
  // Forgeries before the truth. Of a name that is Chinese for sure the truth is waited for.
  ['china-forged.far.example', ABROAD.v4],
  ['china-forged.news.example', ABROAD.v4],
  ['china-ids.shop.cn', CHINA.v4],
  ['china-ids.near.example', CHINA.v4],
  ['china-ids.far.example', ABROAD.v4],
  ['trusted-ids.news.example', ABROAD.v4],
  ['china-question.shop.cn', CHINA.v4],
  ['china-question.near.example', CHINA.v4],
  ['china-noise.shop.cn', CHINA.v4],
  ['china-noise.near.example', CHINA.v4],
  ['china-noise.far.example', ABROAD.v4],
  // To be asked for over TCP.
  ['china-cut.shop.cn', CHINA.v4],
  ['china-cut.near.example', CHINA.v4],
  ['china-cut.far.example', ABROAD.v4],
  // Failures of one side. The other stands in, if it may.
  ['china-servfail.shop.cn', ELSEWHERE],
  ['china-servfail.near.example', ELSEWHERE],
  ['china-refused.far.example', ABROAD.v4],
  ['trusted-servfail.shop.cn', CHINA.v4],
  ['trusted-servfail.near.example', CHINA.v4],
];

/** The same where one side has nothing to say, or not soon. */
const LATE: readonly (readonly [name: string, address: string])[] = [
  ['china-slow.shop.cn', ELSEWHERE],
  ['china-slow.near.example', ELSEWHERE],
  ['china-slow.far.example', ABROAD.v4],
  ['trusted-slow.near.example', CHINA.v4],
  ['trusted-slow.news.example', ABROAD.v4],
  ['trusted-slow.far.example', ABROAD.v4],
  ['china-mute.shop.cn', ELSEWHERE],
  ['china-mute.near.example', ELSEWHERE],
  ['china-mute.far.example', ABROAD.v4],
  ['trusted-mute.shop.cn', CHINA.v4],
  ['trusted-mute.near.example', CHINA.v4],
];

/** Where nobody has an answer, and the reason that the client is told (RFC 8914 §4.23, §4.24); undefined: the resolver's own. */
const FAILED: readonly (readonly [name: string, ede: number | undefined])[] = [
  ['china-mute.trusted-mute.shop.cn', 22],
  ['china-mute.trusted-mute.near.example', 22],
  ['china-mute.trusted-mute.far.example', 22],
  ['trusted-mute.news.example', 22],
  ['trusted-servfail.news.example', undefined],
  ['china-servfail.trusted-servfail.far.example', undefined],
  // Better none than one that may be forged.
  ['china-forged.trusted-mute.far.example', 22],
];

describeNeeding(
  ['root', 'ip', 'nft', 'dig', 'getent', 'dnsmasq', 'ss-server'],
  'resolvers that fail or lie',
  () => {
    const folder = folderForAll();
    let sides: AsyncDisposableStack;
    const internet = internetForAll(async (made, undo) => {
      await placeResolvers(made);
      undo.use(await startServer(made.far));
      sides = await startSides();
    });

    const ask = (...args: string[]) => internet.client.run(dig(...args));

    const resolver = (options: Omit<DnsmasqOptions, 'listen'>) =>
      startDnsmasq(internet.world, { listen: ['127.0.0.1'], ...options });

    async function meddler(who: string, address: string, port: number): Promise<Program> {
      const program = start(internet.world, [process.execPath, MEDDLER, who, address, String(port)]);
      await program.says(/^ready$/m);
      return program;
    }

    /** Both sides, with somebody on the way to each. */
    async function startSides(): Promise<AsyncDisposableStack> {
      await using started = new AsyncDisposableStack();
      const crowd = CROWD.map((address) => `--host-record=crowd.shop.cn,${address}`);
      started.use(await resolver({ port: 5301, zones: CHINA_ZONES, more: crowd }));
      started.use(await resolver({ port: 5302, zones: TRUSTED_ZONES }));
      started.use(await meddler('china', CHINA_RESOLVER.v4, 5301));
      started.use(await meddler('trusted', TRUSTED.v4, 5302));
      return started.move();
    }

    /** It may keep a connection to either side. */
    const besideSnet = async (body: (snet: Program) => Promise<void>) =>
      beside(internet.client, ['-c', await configure(folder.path)], body, { dns: true, kept: 2 });

    /** Silence would be dig's exit code 9. */
    async function expectFailure(name: string, ede: number | undefined): Promise<void> {
      const { code, stdout } = await ask(name);
      expect(`${name}: exit ${code}`).toBe(`${name}: exit 0`);
      expect(`${name}: ${statusOf(stdout)}`).toBe(`${name}: SERVFAIL`);
      expect(`${name}: ${/^; EDE: (\d+)/m.exec(stdout)?.[1]}`).toBe(`${name}: ${ede}`);
      expect(stdout).not.toContain('ANSWER SECTION');
    }

    test.each([
      // One after the other: they would keep one another from being in time.
      ['whatever is done to one side', MEDDLED, 1],
      ['though one side is silent or slow', LATE, LATE.length],
    ])('a name is answered rightly, %s', async (_, names, atOnce) => {
      await besideSnet(async () => {
        const left = names.values();
        const answers = new Map<string, string>();
        const askAll = async () => {
          for (const [name] of left) answers.set(name, (await ask('+short', name)).stdout.trim());
        };
        await Promise.all(Array.from({ length: atOnce }, askAll));
        expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(names));
      });
    });

    test('a program that leaves names to the C library gets the addresses of both families', async () => {
      const addresses = async (name: string) => {
        const lines = await internet.client.must(['getent', 'ahosts', name]);
        return [...new Set(lines.match(/^\S+/gm))].toSorted();
      };
      await besideSnet(async () => {
        expect(await addresses('www.shop.cn')).toEqual([CHINA.v4, CHINA.v6]);
        expect(await addresses('www.news.example')).toEqual([ABROAD.v4, ABROAD.v6]);
        expect(await addresses('china-forged.far.example')).toEqual([ABROAD.v4, ABROAD.v6]);
        expect(await addresses('china-cut.near.example')).toEqual([CHINA.v4, CHINA.v6]);
      });
    });

    test('a name that nobody has an answer for fails before its client gives up, and says why', async () => {
      await besideSnet(async () => {
        await Promise.all(FAILED.map(([name, ede]) => expectFailure(name, ede)));
        expect((await ask('+short', 'www.news.example')).stdout).toBe(`${ABROAD.v4}\n`);
      });
    });

    test('a connection that is closed instead of an answer fails nobody but who asked', async () => {
      await besideSnet(async () => {
        expect((await ask('+short', 'trusted-closed.near.example')).stdout.trim()).toBe(CHINA.v4);
        await expectFailure('trusted-closed.news.example', 23);
        await expectFailure('china-forged.trusted-closed.far.example', 23);
        expect((await ask('+short', 'www.news.example')).stdout.trim()).toBe(ABROAD.v4);
      });
    });

    test('an answer that no datagram takes comes over TCP, from the resolver and to the client', async () => {
      await besideSnet(async () => {
        const { stdout } = await ask('crowd.shop.cn');
        expect(stdout).toContain('Truncated, retrying in TCP mode');
        const addresses = stdout
          .match(/^crowd\.shop\.cn\..*\bA\t\S+$/gm)!
          .map((line) => line.split('\t').at(-1)!);
        expect(addresses.toSorted()).toEqual(CROWD.toSorted());
      });
    });

    test('resolvers that were killed, and are started again', () =>
      besideSnet(async () => {
        await sides.disposeAsync();
        // Told so by the kernels on the other side, so that nobody waits.
        await Promise.all(
          ['www.shop.cn', 'www.news.example', 'www.near.example'].map((name) => expectFailure(name, 23)),
        );
        sides = await startSides();
        await expectAnswers();
      }));

    test('a network that takes nothing to any resolver, until it does', async () => {
      await besideSnet(async () => {
        const drop = `table inet wall {
        chain input { type filter hook input priority 0; meta l4proto { tcp, udp } th dport 53 iif != lo drop; }
        chain forward { type filter hook forward priority 0; meta l4proto { tcp, udp } th dport 53 drop; }
      }`;
        await internet.world.must(['nft', '-f', '-'], { stdin: drop });
        await Promise.all(
          ['www.shop.cn', 'www.news.example', 'www.near.example'].map((name) => expectFailure(name, 22)),
        );
        await internet.world.must(['nft', 'delete', 'table', 'inet', 'wall']);
        await expectAnswers();
      });
    });

    /** All three kinds of names are answered again, if not at once: a resolver that failed is left alone for a moment. */
    async function expectAnswers(): Promise<void> {
      const short = async (name: string) => (await ask('+short', name)).stdout.trim();
      const again = {
        'again.shop.cn': CHINA.v4,
        'again.news.example': ABROAD.v4,
        'again.near.example': CHINA.v4,
      };
      await Promise.all(
        Object.entries(again).map(([name, address]) =>
          eventually(`${address} for ${name}`, async () => (await short(name)) === address),
        ),
      );
    }
  },
);
