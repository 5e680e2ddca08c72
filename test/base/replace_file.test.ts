import { describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { makeOwnFolder, replaceFile } from '../../src/base/replace_file.ts';
import { folderForEach } from '../lab/folder.ts';

const folder = folderForEach();

describe('replaceFile()', () => {
  test('puts the new file in the place of the old one, for its owner alone', async () => {
    const path = folder.file('a');
    writeFileSync(path, 'old', { mode: 0o644 });
    await replaceFile(path, 'new');
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['new', 0o600]);
    expect(readdirSync(folder.path)).toEqual(['a']);
  });

  test('writes through no link, neither in its place nor beside it', async () => {
    const victim = folder.file('victim');
    writeFileSync(victim, 'untouched');
    symlinkSync(victim, folder.file('a'));
    symlinkSync(victim, folder.file(`.a.${process.pid}`));
    await replaceFile(folder.file('a'), 'new');
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    expect(readFileSync(folder.file('a'), 'utf8')).toBe('new');
  });

  test('leaves nothing behind if it fails', async () => {
    // A folder can't be replaced by a file.
    mkdirSync(folder.file('a'));
    expect(await replaceFile(folder.file('a'), 'new').catch(() => 'failed')).toBe('failed');
    expect(readdirSync(folder.path)).toEqual(['a']);
  });

  test('keeps the old file if the new one fails half-way', async () => {
    const path = folder.file('a');
    writeFileSync(path, 'old');
    const parts = function* () {
      yield new Uint8Array(10);
      throw new Error('no more');
    };
    expect(await replaceFile(path, parts()).catch(String)).toBe('Error: no more');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder.path)).toEqual(['a']);
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
    await replaceFile(folder.file('a'), parts());
    running = false;
    // Several parts may be done in one turn, but not all.
    expect(turnsAtPart.size).toBeGreaterThan(4);
    const expected = Array.from({ length: 200 }, (_, i) => new Uint8Array(1000).fill(i));
    expect(readFileSync(folder.file('a'))).toEqual(Buffer.concat(expected));
  });
});

describe('makeOwnFolder()', () => {
  test('makes it, and those above it', async () => {
    const path = folder.file('a/b');
    await makeOwnFolder(path);
    await makeOwnFolder(path);
    expect([path, folder.file('a')].map((of) => statSync(of).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  test('refuses one that others may write to, and a link', async () => {
    chmodSync(folder.path, 0o770);
    const refusal = (path: string) => makeOwnFolder(path).then(() => 'made', () => 'refused'); // prettier-ignore
    symlinkSync('/', folder.file('link'));
    expect(await Promise.all([folder.path, folder.file('link')].map(refusal))).toEqual([
      'refused',
      'refused',
    ]);
  });
});
