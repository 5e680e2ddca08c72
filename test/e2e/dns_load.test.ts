/** Ten thousand names at once: the memory that it takes has a bound, and whoever asks afterwards is answered as before. */
import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { residentKiB } from '../lab/proc.ts';
import type { Program } from '../lab/program.ts';
import { beside } from '../lab/snet.ts';
import { ANYBODY, CHINA_RESOLVER, configure, placeResolvers, TRUSTED } from '../lab/two_sides.ts';
import { startUnbound } from '../lab/unbound.ts';
import { startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const COUNT = 10_000;
const ZONES = ['shop.cn', 'news.example', 'near.example', 'far.example'];

/** MiB that the program may take for them; it starts with some 75. */
const MOST = 300;

const NEEDS = ['root', 'ip', 'nft', 'dnsperf', 'unbound', 'ss-server'];

describeNeeding(NEEDS, 'ten thousand names at once', () => {
  let serial = 0;
  const folder = folderForAll();
  const internet = internetForAll(async (made, undo) => {
    await placeResolvers(made);
    const unbound = (address: string, zones: Record<string, string>) =>
      startUnbound(made.world, { file: folder.file(`unbound-${address}.conf`), addresses: [address], zones });
    undo.use(await unbound(CHINA_RESOLVER.v4, zonesAt(CHINA.v4)));
    undo.use(await unbound(TRUSTED.v4, zonesAt(ABROAD.v4)));
    undo.use(await startServer(made.far));
  });

  /** Asks for names that nobody has asked for, each once. @returns how many were answered with what */
  async function ask(count: number, ...how: string[]): Promise<Record<string, number>> {
    const label = `names-${serial++}`;
    const file = folder.file(label);
    const lines = Array.from({ length: count }, (_, n) => `${label}-${n}.${ZONES[n % ZONES.length]} A\n`);
    await writeFile(file, lines.join(''));
    const said = await internet.client.must(['dnsperf', '-s', ANYBODY.v4, '-d', file, '-n', '1', ...how]);
    const codes = /Response codes: +(.*)/.exec(said)![1]!;
    return Object.fromEntries(
      [...codes.matchAll(/(\w+) (\d+) /g)].map(([, code, count]) => [code, Number(count)]),
    );
  }

  test('take memory within bounds, and keep nobody from being answered', async () => {
    const file = await configure(folder.path);
    const body = async (snet: Program) => {
      using memory = watchMemory(snet);
      const atOnce = ['-q', String(COUNT)];
      // Over TCP nothing is lost: all wait at once, if not for longer than clients do. No connection may ask for so much.
      const overTcp = ['-m', 'tcp', '-c', '20', '-t', '20'];
      const { NOERROR: right = 0, SERVFAIL: late = 0 } = await ask(COUNT, ...atOnce, ...overTcp);
      expect(right).toBeGreaterThan(0);
      expect(right + late).toBe(COUNT);
      // The kernel holds thousands for us; the asker itself may lose answers that come all at once.
      const burst = await ask(COUNT, ...atOnce, '-t', '1');
      expect(burst['NOERROR']).toBeGreaterThan(0);
      expect(await ask(1_000, '-q', '20')).toEqual({ NOERROR: 1_000 });
      expect(memory.most).toBeLessThan(MOST);
    };
    // Three to either side.
    await beside(internet.client, ['-c', file], body, { dns: true, kept: 6 });
  }, 60_000);
});

function zonesAt(address: string): Record<string, string> {
  return Object.fromEntries(ZONES.map((zone) => [zone, address]));
}

/** The most that a program has in memory from now on, in MiB. */
function watchMemory({ pid }: Program): Disposable & { readonly most: number } {
  let most = 0;
  const look = () => (most = Math.max(most, residentKiB(pid) / 1024));
  const timer = setInterval(look, 20);
  return {
    get most() {
      return look();
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
