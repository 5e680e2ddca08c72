import { describe, expect, test } from 'bun:test';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { silent, type Fields } from '../../../src/base/log.ts';
import { createCache } from '../../../src/dns/cache/cache.ts';
import { writeKept } from '../../../src/dns/cache/file.ts';
import { createKeeper, loadRecords } from '../../../src/dns/cache/keeper.ts';
import { ANSWERS, VERDICT_RECORDS } from '../../../src/dns/cache/kept_records.ts';
import { createVerdicts } from '../../../src/dns/cache/verdicts.ts';
import { eventually } from '../../lab/eventually.ts';
import { folderForAll } from '../../lab/folder.ts';
import { answer, ask, essence, ttlsOf, type Asked, type Kind } from './answers.ts';

const scratch = folderForAll();

const DAY = 86_400_000;
let folders = 0;

/** A program's life: a cache and verdicts in it, with clocks that the test sets. The monotonic one begins at 0 in each. */
function life({ wall = 0, directory = scratch.file(`${folders++}`), stale = 3600, size = 1 << 20 } = {}) {
  const time = { wall, now: 0 };
  const warnings: Fields[] = [];
  const cache = createCache({ size, minTtl: 0, maxTtl: 86_400, stale, directory }, () => time.now);
  const verdicts = createVerdicts({ clock: () => time.now });
  const log = { ...silent, warn: (_: string, fields?: Fields) => void warnings.push(fields ?? {}) };
  const wallClock = () => time.wall;
  const keeper = createKeeper({ directory, cache, verdicts, log, wallClock });
  return {
    directory,
    cache,
    verdicts,
    keeper,
    time,
    warnings,
    wait(ms: number) {
      time.wall += ms;
      time.now += ms;
    },
    put(name: string, ttl: number, kind: Kind = 'positive') {
      const told = { name, kind, ttls: [ttl] };
      cache.store(ask(told).question, answer(told), 'china');
    },
    look(asked: Asked) {
      const { query, question } = ask(asked);
      return cache.lookup(query, question);
    },
  };
}

describe('over a restart', () => {
  test('answers and verdicts are kept, aged by the time that has passed', async () => {
    const before = life({ wall: 1000 * DAY });
    before.put('a.example', 600);
    before.put('no.example', 0, 'nxdomain');
    before.put('old.example', 60);
    before.put('failed.example', 60, 'failure');
    before.verdicts.record('a.example', 'china');
    before.wait(100_000);
    before.put('b.example', 600);
    before.verdicts.record('b.example', 'trusted');
    await before.keeper.stop();

    const after = life({ wall: before.time.wall + 200_000, directory: before.directory });
    await after.keeper.load();
    expect(after.warnings).toEqual([]);
    const a = after.look({ name: 'a.example', id: 77 })!;
    expect(a).toMatchObject({ state: 'fresh', remaining: 300, side: 'china' });
    expect(ttlsOf(a.message)).toEqual([300]);
    const original = answer({ name: 'a.example', kind: 'positive', ttls: [600] });
    expect(essence(a.message)).toEqual(essence(original));
    expect(ttlsOf(after.look({ name: 'b.example' })!.message)).toEqual([400]);
    expect(after.look({ name: 'old.example' })).toMatchObject({ state: 'stale', remaining: 0 });
    expect(after.look({ name: 'failed.example' })).toBeUndefined();
    expect([after.verdicts.lookup('a.example'), after.verdicts.lookup('b.example')]).toEqual([
      'china',
      'trusted',
    ]);

    // The times are those of the first life, however many lie between.
    await after.keeper.stop();
    const later = life({
      wall: after.time.wall + 7 * DAY - 200_001,
      directory: before.directory,
      stale: 8 * 86_400,
    });
    await later.keeper.load();
    expect(later.look({ name: 'a.example' })?.state).toBe('stale');
    expect(later.look({ name: 'old.example' })?.state).toBe('stale');
    expect(later.verdicts.count).toBe(2);
    const last = life({ wall: later.time.wall + 7 * DAY, directory: before.directory });
    await last.keeper.load();
    expect([last.cache.count, last.verdicts.count]).toEqual([0, 0]);
    expect(last.warnings).toEqual([]);
    await Promise.all([later.keeper.stop(), last.keeper.stop()]);
  });

  test('a clock that has gone back makes nothing younger', async () => {
    const before = life({ wall: 1000 * DAY });
    before.verdicts.record('b.example', 'china');
    before.wait(3 * DAY);
    before.put('a.example', 600);
    before.verdicts.record('a.example', 'china');
    await before.keeper.stop();
    const after = life({ wall: 10 * DAY, directory: before.directory });
    await after.keeper.load();
    expect(after.look({ name: 'a.example' })).toMatchObject({ state: 'stale' });
    after.wait(4 * DAY);
    expect(after.verdicts.lookup('a.example')).toBe('china');
    expect(after.verdicts.lookup('b.example')).toBeUndefined();
    const without = life({ wall: 10 * DAY, directory: before.directory, stale: 0 });
    await without.keeper.load();
    expect(without.cache.count).toBe(0);
    await Promise.all([after.keeper.stop(), without.keeper.stop()]);
  });

  test('what is known already is not replaced', async () => {
    const before = life();
    before.put('a.example', 600);
    before.verdicts.record('a.example', 'china');
    await before.keeper.stop();
    const after = life({ directory: before.directory });
    after.put('a.example', 60);
    after.verdicts.record('a.example', 'trusted');
    await after.keeper.load();
    expect(after.look({ name: 'a.example' })?.remaining).toBe(60);
    expect(after.verdicts.lookup('a.example')).toBe('trusted');
    await after.keeper.stop();
  });

  test('thousands are kept, also while more come', async () => {
    const before = life({ size: 8 << 20 });
    for (let i = 0; i < 5000; i++) before.put(`name${i}.example`, 600);
    const saving = before.keeper.save();
    let during = 0;
    for (let done = false; !done;) {
      before.put(`during${during++}.example`, 600);
      done = await Promise.race([saving.then(() => true), Bun.sleep(0).then(() => false)]);
    }
    await before.keeper.stop();
    const after = life({ directory: before.directory, size: 8 << 20 });
    await after.keeper.load();
    expect(after.cache.count).toBe(5000 + during);
    for (const i of [0, 1, 2500, 4999]) expect(after.look({ name: `name${i}.example` })?.state).toBe('fresh');
    await after.keeper.stop();
  });
});

describe('the files', () => {
  test('are for their owner alone, and so is the directory; nothing else is left', async () => {
    const { keeper, directory } = life({ directory: scratch.file('deep/er') });
    await keeper.stop();
    expect(((await stat(directory)).mode & 0o777).toString(8)).toBe('700');
    expect((await readdir(directory)).sort()).toEqual(['answers', 'verdicts']);
    for (const name of ['answers', 'verdicts'])
      expect(((await stat(join(directory, name))).mode & 0o777).toString(8)).toBe('600');
  });

  test('are of no use damaged or cut short anywhere, and that is said', async () => {
    const before = life();
    before.put('a.example', 600);
    before.verdicts.record('a.example', 'china');
    await before.keeper.stop();
    for (const name of ['answers', 'verdicts']) {
      const path = join(before.directory, name);
      const whole = await readFile(path);
      const spoil = async (bytes: Uint8Array) => {
        await writeFile(path, bytes);
        const after = life({ directory: before.directory });
        await after.keeper.load();
        expect(after.warnings.length).toBe(1);
        expect(String(after.warnings[0]!['why'])).toStartWith(`${path} is of no use: it is `);
        expect(name === 'answers' ? after.cache.count : after.verdicts.count).toBe(0);
      };
      for (let at = 0; at < whole.length; at++) {
        const damaged = Buffer.from(whole);
        damaged[at]! ^= 1 << (at % 8);
        await spoil(damaged);
        await spoil(whole.subarray(0, at));
      }
      await spoil(Buffer.concat([whole, Buffer.of(0)]));
      await writeFile(path, whole);
    }
  });

  test.each([
    ['a link', async (path: string, elsewhere: string) => symlink(elsewhere, path)],
    ['a directory', async (path: string) => mkdir(path)],
    ['a FIFO', async (path: string) => void Bun.spawnSync(['mkfifo', path])],
    [
      'writable for others',
      async (path: string, elsewhere: string) => {
        await writeFile(path, await readFile(elsewhere));
        await chmod(path, 0o666);
      },
    ],
    [
      'huge',
      async (path: string) => {
        await writeFile(path, '', { mode: 0o600 });
        await truncate(path, 2 ** 40);
      },
    ],
  ])('are not read if one is %s', async (_, make) => {
    const good = life();
    good.put('a.example', 600);
    await good.keeper.stop();
    const { directory, keeper, cache, warnings } = life();
    await mkdir(directory, { mode: 0o700 });
    await make(join(directory, 'answers'), join(good.directory, 'answers'));
    await keeper.load();
    expect(cache.count).toBe(0);
    expect(String(warnings[0]?.['why'])).toContain(join(directory, 'answers'));
    await keeper.stop();
  });

  test('do not follow a link when written: it is replaced, its target stays', async () => {
    const { directory, keeper, warnings } = life();
    await mkdir(directory, { mode: 0o700 });
    const target = scratch.file('somebody-elses');
    await writeFile(target, 'theirs');
    await symlink(target, join(directory, 'answers'));
    await symlink(target, join(directory, `.answers.${process.pid}`));
    await keeper.stop();
    expect(warnings).toEqual([]);
    expect(await readFile(target, 'utf8')).toBe('theirs');
    expect((await readFile(join(directory, 'answers'), 'latin1')).slice(0, 8)).toBe('SNETANSW');
  });

  test('are neither read from nor written to a directory that others may write to', async () => {
    const good = life();
    good.put('a.example', 600);
    await good.keeper.stop();
    await chmod(good.directory, 0o777);
    const past = new Date(0);
    await utimes(join(good.directory, 'answers'), past, past);
    const after = life({ directory: good.directory });
    await after.keeper.load();
    await after.keeper.stop();
    expect(after.cache.count).toBe(0);
    expect(after.warnings.map(({ why }) => String(why).includes('others may write to'))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect((await stat(join(good.directory, 'answers'))).mtimeMs).toBe(0);
  });

  test('with a right sum but senseless contents are read without a fault', async () => {
    const path = scratch.file('senseless');
    const take = life({ size: 4096 });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await writeKept(path, ANSWERS.contents, 0, [bytes]);
        await loadRecords(
          path,
          ANSWERS,
          1e6,
          () => 0,
          (record) => take.cache.restore(record),
        );
        await writeKept(path, VERDICT_RECORDS.contents, 0, [bytes]);
        await loadRecords(
          path,
          VERDICT_RECORDS,
          1e6,
          () => 0,
          (record) => take.verdicts.restore(record),
        );
      }),
    );
    expect(take.cache.count).toBe(0);
  });

  test('are written every now and then', async () => {
    const { cache, directory, verdicts } = life();
    const keeper = createKeeper({ directory, cache, verdicts, log: silent, every: 1 });
    await eventually('both files', () => existsSync(join(directory, 'verdicts')));
    await keeper.stop();
  });

  test('that are not there are nothing to speak of', async () => {
    const { keeper, warnings } = life();
    await keeper.load();
    expect(warnings).toEqual([]);
  });
});
