import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeOwnFolder, replaceFile } from '../../src/base/replace_file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snet-replace-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('replaceFile()', () => {
  test('puts the new file in the place of the old one, for its owner alone', async () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'old', { mode: 0o644 });
    await replaceFile(path, 'new');
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['new', 0o600]);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('writes through no link, neither in its place nor beside it', async () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'untouched');
    symlinkSync(victim, join(folder, 'a'));
    symlinkSync(victim, join(folder, `.a.${process.pid}`));
    await replaceFile(join(folder, 'a'), 'new');
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new');
  });

  test('leaves nothing behind if it fails', async () => {
    // A folder can't be replaced by a file.
    mkdirSync(join(folder, 'a'));
    expect(await replaceFile(join(folder, 'a'), 'new').catch(() => 'failed')).toBe('failed');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('keeps the old file if the new one fails half-way', async () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    const parts = function* () {
      yield new Uint8Array(10);
      throw new Error('no more');
    };
    expect(await replaceFile(path, parts()).catch(String)).toBe('Error: no more');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('writes parts that share their memory, and lets others run between them', async () => {
    let turns = 0;
    let running = true;
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    const turnsAtPart = new Set<number>();
    const memory = new Uint8Array(1000);
    const parts = function* () {
      for (let i = 0; i < 200; i++) {
        turnsAtPart.add(turns);
        yield memory.fill(i);
      }
    };
    await replaceFile(join(folder, 'a'), parts());
    running = false;
    // Several parts may be done in one turn, but not all.
    expect(turnsAtPart.size).toBeGreaterThan(4);
    const expected = Array.from({ length: 200 }, (_, i) => new Uint8Array(1000).fill(i));
    expect(readFileSync(join(folder, 'a'))).toEqual(Buffer.concat(expected));
  });
});

describe('makeOwnFolder()', () => {
  test('makes it, and those above it', async () => {
    const path = join(folder, 'a', 'b');
    await makeOwnFolder(path);
    await makeOwnFolder(path);
    expect([path, join(folder, 'a')].map((of) => statSync(of).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  test('refuses one that others may write to, and a link', async () => {
    chmodSync(folder, 0o770);
    const refusal = (path: string) => makeOwnFolder(path).then(() => 'made', () => 'refused'); // prettier-ignore
    symlinkSync('/', join(folder, 'link'));
    expect(await Promise.all([folder, join(folder, 'link')].map(refusal))).toEqual(['refused', 'refused']);
  });
});
