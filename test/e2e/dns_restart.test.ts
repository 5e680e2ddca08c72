/** What is kept over a restart, when it is of use and when it is of none; and configurations that a reload doesn't take. */
import { expect, test } from 'bun:test';
import { chmod, readFile, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dig } from '../lab/dig.ts';
import { askedOf, startDnsmasq } from '../lab/dnsmasq.ts';
import { folderForEach } from '../lab/folder.ts';
import { ABROAD, CHINA } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import type { Program } from '../lab/program.ts';
import { startSnet, stop } from '../lab/snet.ts';
import {
  CHINA_RESOLVER,
  CHINA_ZONES,
  configure,
  ELSEWHERE,
  placeResolvers,
  TRUSTED,
  TRUSTED_TOO,
  TRUSTED_ZONES,
} from '../lab/two_sides.ts';
import { startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const NAMES = { 'www.shop.cn': CHINA.v4, 'www.near.example': CHINA.v4, 'www.far.example': ABROAD.v4 };

/** Of what is kept, both files, in a folder. */
const KEPT = ['answers', 'verdicts'];

/** What may have become of a file. */
const DAMAGE: readonly (readonly [what: string, damage: (file: string) => Promise<unknown>, why: RegExp])[] =
  [
    ['is cut short', (file) => truncate(file, 30), /is damaged/],
    ['is empty', (file) => truncate(file, 0), /is cut short/],
    ['has a bit that has turned over', turnBit, /is damaged/],
    ['is of another version', (file) => overwrite(file, 11, 99), /is of version 99, not 1/],
    ['is another file', (file) => writeFile(file, 'not ours\n'.repeat(100)), /is another kind of file/],
    ['others may write to', (file) => chmod(file, 0o666), /others may write to it/],
    ['is a link', replaceByLink, /can't be read/],
  ];

describeNeeding(['root', 'ip', 'nft', 'dig', 'dnsmasq', 'ss-server'], 'a resolver that starts again', () => {
  const folder = folderForEach();
  /** Where it keeps what it keeps. */
  const state = () => folder.file('state');
  let china: Program;
  let trusted: Program;
  const internet = internetForAll(async (made, undo) => {
    await placeResolvers(made);
    await startResolvers();
    undo.defer(stopResolvers);
    undo.use(await startServer(made.far));
  });

  async function startResolvers(): Promise<void> {
    const { world } = internet;
    china = await startDnsmasq(world, { listen: [CHINA_RESOLVER.v4], zones: CHINA_ZONES });
    trusted = await startDnsmasq(world, { listen: [TRUSTED.v4], zones: TRUSTED_ZONES });
  }
  async function stopResolvers(): Promise<void> {
    await china[Symbol.asyncDispose]();
    await trusted[Symbol.asyncDispose]();
  }

  const addressOf = async (name: string) => (await internet.client.must(dig('+short', name))).trim();
  const addresses = async () =>
    Object.fromEntries(
      await Promise.all(Object.keys(NAMES).map(async (name) => [name, await addressOf(name)])),
    );
  const timesAsked = () => askedOf(china).length + askedOf(trusted).length;

  const configured = (dns: object = {}) => configure(folder.path, { cache: { directory: state() }, ...dns });
  const run = async () => startSnet(internet.client, ['-c', await configured()], { dns: true });
  /** A first run, which leaves answers and verdicts behind. */
  async function runOnce(): Promise<void> {
    await using snet = await run();
    expect(await addresses()).toEqual(NAMES);
    await stop(snet);
  }

  test('knows what it knew, though nobody is left to be asked', async () => {
    await runOnce();
    await stopResolvers();
    await using snet = await run();
    expect(await addresses()).toEqual(NAMES);
    await stop(snet);
    await startResolvers();
  });

  test('after SIGKILL knows what it knew at its last regular end', async () => {
    await runOnce();
    await using killed = await run();
    await addressOf('more.shop.cn');
    killed.signal('SIGKILL');
    await killed.ended();
    await using snet = await run();
    const before = timesAsked();
    expect(await addresses()).toEqual(NAMES);
    expect(timesAsked()).toBe(before);
    await stop(snet);
    expect(snet.said()).not.toMatch(/ warn | error /);
  });

  test.each(DAMAGE)('does without a file that %s, says so, and writes it anew', async (_, damage, why) => {
    await runOnce();
    await Promise.all(KEPT.map((file) => damage(join(state(), file))));
    const before = timesAsked();
    {
      await using snet = await run();
      for (const what of KEPT) {
        const [line] = await snet.says(new RegExp(`^.* warn .*kept ${what} are not used.*$`, 'm'));
        expect(line).toMatch(why);
        expect(line).toContain(join(state(), what));
      }
      expect(await addresses()).toEqual(NAMES);
      expect(timesAsked()).toBeGreaterThan(before);
      await stop(snet);
    }
    await stopResolvers();
    await using again = await run();
    expect(await addresses()).toEqual(NAMES);
    await stop(again);
    await startResolvers();
  });

  test.each([
    [
      'a certificate that is not there',
      { trusted: [{ url: `tls://${TRUSTED.v4}#a.test`, ca: '/none.pem' }] },
      /none\.pem/,
    ],
    ['a resolver that is none', { china: ['dns.shop.cn'] }, /dns\.china\[0\]/],
    ['a pattern that can be none', { block: ['a*.shop.cn'] }, /dns\.block\[0\].*a\*\.shop\.cn/],
  ])('keeps its resolvers if the new configuration has %s', async (_, dns, why) => {
    await using snet = await run();
    await configured(dns);
    snet.signal('SIGHUP');
    const [line] = await snet.says(/^.* the old one stays in force .*$/m);
    expect(line).toMatch(why);
    expect(await addresses()).toEqual(NAMES);
    await stop(snet);
  });

  test('asks other resolvers after a reload, and says what it cannot change', async () => {
    await using other = await startDnsmasq(internet.world, {
      listen: [TRUSTED_TOO.v4],
      zones: { 'news.example': [ELSEWHERE] },
    });
    await using snet = await run();
    expect(await addressOf('a.news.example')).toBe(ABROAD.v4);
    await configured({
      trusted: [`tcp://${TRUSTED_TOO.v4}`],
      port: 1054,
      cache: { directory: state(), size: '1MiB' },
    });
    snet.signal('SIGHUP');
    await snet.says(/ reloaded /);
    expect(snet.said()).toMatch(/ needs a restart to change key=dns\.port\n/);
    expect(snet.said()).toMatch(/ needs a restart to change key=dns\.cache\n/);
    // What was known stays known; what is asked now is asked of the other.
    expect(await addressOf('a.news.example')).toBe(ABROAD.v4);
    expect(await addressOf('b.news.example')).toBe(ELSEWHERE);
    expect(askedOf(other)).toEqual(['A b.news.example']);
    await stop(snet);
  });
});

async function overwrite(file: string, at: number, byte: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = byte;
  await writeFile(file, bytes);
}

async function turnBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  await overwrite(file, bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1);
}

async function replaceByLink(file: string): Promise<void> {
  await rename(file, `${file}.real`);
  await symlink(`${file}.real`, file);
}
