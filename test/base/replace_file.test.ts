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
