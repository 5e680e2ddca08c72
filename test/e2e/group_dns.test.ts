/** Names that are asked for through a group of upstreams: the death of one costs no answer. */
import { beforeAll, expect, test } from 'bun:test';
import { dig } from '../lab/dig.ts';
import { startDnsmasq } from '../lab/dnsmasq.ts';
import { folderForAll } from '../lab/folder.ts';
import { blackhole, endBlackhole, groupForAll } from '../lab/group.ts';
import { ABROAD } from '../lab/internet.ts';
import type { Program } from '../lab/program.ts';
import { beside } from '../lab/snet.ts';
import { configure, placeResolvers, TRUSTED, TRUSTED_ZONES } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

const EVERY_MS = 100;

interface Asked {
  readonly name: string;
  readonly ms: number;
  readonly answer: string;
}

const NEEDS = ['root', 'ip', 'nft', 'dig', 'dnsmasq', 'ss-server', 'microsocks'];

describeNeeding(NEEDS, 'the trusted resolvers, by a group', () => {
  const lab = groupForAll();
  const folder = folderForAll();
  const [first] = lab.ones;
  beforeAll(() => placeResolvers(lab.internet));

  /** Asks for a name every so often, each time another one, and has `event` happen meanwhile. */
  async function askDuring(event: () => unknown): Promise<Asked[]> {
    const one = async (name: string): Promise<Asked> => {
      const began = performance.now();
      const { stdout } = await lab.internet.client.run(dig('+short', name));
      return { name, ms: Math.round(performance.now() - began), answer: stdout.trim() };
    };
    const asked: Promise<Asked>[] = [];
    for (let i = 0; i < 40; i++) {
      asked.push(one(`n${i}.news.example`));
      if (i === 10) await event();
      await Bun.sleep(EVERY_MS);
    }
    return Promise.all(asked);
  }

  async function withResolver(trusted: string, body: (one: Program) => Promise<void>) {
    await using undo = new AsyncDisposableStack();
    const [one] = await Promise.all(lab.ones.map(async (each) => undo.use(await each.start())));
    undo.use(await startDnsmasq(lab.internet.world, { listen: [TRUSTED.v4], zones: TRUSTED_ZONES }));
    const upstream = lab.ones.map(({ link }) => link);
    const group = { 'probe-url': false };
    const file = await configure(folder.path, { trusted: [trusted] }, { upstream, group });
    await beside(lab.internet.client, ['-c', file], () => body(one!), { dns: true, kept: 3 });
  }

  const unanswered = (asked: readonly Asked[]) => asked.filter(({ answer }) => answer !== ABROAD.v4);

  test('one is killed: every name is answered, and nobody waits', () =>
    withResolver(`tcp://${TRUSTED.v4}`, async (program) => {
      const asked = await askDuring(() => program.signal('SIGKILL'));
      expect(unanswered(asked)).toEqual([]);
      // Programs ask again, or another, after some seconds.
      expect(asked.filter(({ ms }) => ms > 2_000)).toEqual([]);
    }));

  test('one falls silent: every name is answered before its program gives up', () =>
    withResolver(`tcp://${TRUSTED.v4}`, async () => {
      const asked = await askDuring(() => blackhole(first.ns));
      await endBlackhole(first.ns);
      expect(unanswered(asked)).toEqual([]);
    }));
});
