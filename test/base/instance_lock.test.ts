import { beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { acquireInstanceLock, LockError } from '../../src/base/instance_lock.ts';
import { systemRunner } from '../../src/base/runner.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForEach } from '../lab/folder.ts';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';

const SCRIPT = new URL('scripts/lock_and_wait.ts', import.meta.url).pathname;

const parent = folderForEach();
let folder: string;
beforeEach(() => {
  folder = parent.file('snet');
});

const lockFile = () => join(folder, readdirSync(folder)[0]!);

function refusal(): LockError {
  try {
    acquireInstanceLock(folder).release();
  } catch (error) {
    expect(error).toBeInstanceOf(LockError);
    return error as LockError;
  }
  throw new Error('the lock was given');
}

/** Another process that tries to take the lock. @returns it, and what it says of that */
async function another(under: readonly string[] = []) {
  const child = Bun.spawn([...under, process.execPath, SCRIPT, folder], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const { value } = await child.stdout.getReader().read();
  return { child, said: new TextDecoder().decode(value).trim() };
}

describe('the lock', () => {
  test('holds a pid and nothing else, where only its owner reads', () => {
    const lock = acquireInstanceLock(folder);
    expect(readFileSync(lockFile(), 'utf8')).toBe(`${process.pid}\n`);
    expect(statSync(lockFile()).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    lock.release();
  });

  test('is refused while somebody has it, and the error names who', () => {
    const lock = acquireInstanceLock(folder);
    const { status, message, hint } = refusal();
    expect(status).toBe('ERR_LOCKED');
    expect(message).toBe(`another snet runs on this machine already: process ${process.pid}`);
    expect(hint).toContain(`sudo kill ${process.pid}`);
    lock.release();
  });

  test('can be taken again after release(), which may be called twice', () => {
    const first = acquireInstanceLock(folder);
    first.release();
    const second = acquireInstanceLock(folder);
    // Were it to close its number again, that could be the second lock's by now.
    first.release();
    expect(refusal().status).toBe('ERR_LOCKED');
    second.release();
    acquireInstanceLock(folder).release();
  });

  test('of another process ends with it, even by SIGKILL; what it wrote is replaced whole', async () => {
    const { child, said } = await another();
    expect(said).toBe('locked');
    expect(refusal().message).toEndWith(`process ${child.pid}`);
    child.kill('SIGKILL');
    await child.exited;
    writeFileSync(lockFile(), 'left by an earlier one, and longer than a pid\n');
    const lock = acquireInstanceLock(folder);
    expect(readFileSync(lockFile(), 'utf8')).toBe(`${process.pid}\n`);
    lock.release();
  });

  test('is not kept by a child that outlives us', async () => {
    const lock = acquireInstanceLock(folder);
    const child = systemRunner.start(['cat']);
    lock.release();
    // The kernel lets the parent go on a little before it closes what the child must not have.
    await eventually('the lock to be free', () => {
      try {
        acquireInstanceLock(folder).release();
        return true;
      } catch {
        return false;
      }
    });
    child.kill('SIGKILL');
    await child.exited;
  });

  test('is not looked for behind a link', () => {
    acquireInstanceLock(folder).release();
    const path = lockFile();
    const victim = parent.file('victim');
    rmSync(path);
    symlinkSync(victim, path);
    expect(refusal().status).toBe('ERR_RUN_FOLDER');
    expect(existsSync(victim)).toBe(false);
  });

  test('is not looked for in what is no file', () => {
    acquireInstanceLock(folder).release();
    const path = lockFile();
    rmSync(path);
    mkdirSync(path);
    const { status, message } = refusal();
    expect(status).toBe('ERR_RUN_FOLDER');
    expect(message).toContain(path);
  });
});

describe('the folder', () => {
  test('must be one itself: a link to one is refused', () => {
    const elsewhere = parent.file('elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, folder);
    expect(refusal().status).toBe('ERR_RUN_FOLDER');
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test.each([0o777, 0o770, 0o702])('that others may write to is refused (mode %i)', (mode) => {
    mkdirSync(folder);
    chmodSync(folder, mode);
    expect(refusal().status).toBe('ERR_RUN_FOLDER');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that cannot be made is named', () => {
    writeFileSync(parent.file('file'), '');
    folder = parent.file('file/snet');
    const { status, message } = refusal();
    expect(status).toBe('ERR_RUN_FOLDER');
    expect(message).toContain(folder);
  });
});

describeNeeding(['root', 'ip'], 'the lock', () => {
  test('is not taken in a folder of another user', () => {
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, 65534, 65534);
    expect(refusal().status).toBe('ERR_RUN_FOLDER');
  });

  test('is one for each network namespace', async () => {
    await using ns = await Netns.create('lock');
    const lock = acquireInstanceLock(folder);
    const inside = await another(ns.inside([]));
    expect(inside.said).toBe('locked');
    const second = await another(ns.inside([]));
    expect(second.said).toEndWith(`process ${inside.child.pid}`);
    expect(readdirSync(folder)).toHaveLength(2);
    for (const { child } of [inside, second]) child.kill('SIGKILL');
    await Promise.all([inside.child.exited, second.child.exited]);
    lock.release();
  });
});
