/**
 * What must be undone when we have ended, in whatever way: a file for root alone, written whole each time, before the step
 * that makes it needed. It holds no secret, and whoever could write to it is root.
 */
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { makeOwnFolder, replaceFile } from '../../base/replace_file.ts';
import { RedirectError } from '../redirect.ts';
import type { PfFiles } from './names.ts';

export interface PfState {
  /** Pid of the process whose rules these are. */
  readonly owner: number;
  /** As {@link bootId} has it; undefined: not known, so taken for this boot. */
  readonly boot: string | undefined;
  /** Ours, from `pfctl -E`: decimal digits, up to 2^64. */
  readonly token: string | undefined;
  /** Tokens of others when we were about to take ours; undefined: ours is known, or was never asked for. */
  readonly before: readonly string[] | undefined;
  /** What net.inet.tcp.tso was; undefined: not changed. */
  readonly segmentation: number | undefined;
}

/** Says which format it is. A file of another is not ours to read. */
const VERSION = 1;

/** Bytes; ours has some hundreds. */
const LARGEST = 64 * 1024;

/** @throws RedirectError */
export async function writeState(files: PfFiles, state: PfState): Promise<void> {
  await inFolder(files, 'the state of pf could not be written', async () => {
    await makeOwnFolder(files.folder);
    await replaceFile(files.state, renderState(state));
  });
}

/** Writes a table's file, where the state is. @throws RedirectError */
export async function writeTable(files: PfFiles, path: string, text: string): Promise<void> {
  await inFolder(files, 'the addresses for pf could not be written', async () => {
    await makeOwnFolder(files.folder);
    await replaceFile(path, text);
  });
}

/**
 * @returns undefined if there is none, or none that can be read: `problem` says what is wrong then
 */
export async function readState(
  files: PfFiles,
): Promise<{ readonly state: PfState | undefined; readonly problem?: string }> {
  let text: string;
  try {
    // A link could have us read somebody else's file; a pipe would have us wait.
    await using file = await open(
      files.state,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > LARGEST)
      return { state: undefined, problem: 'it is no file of ours' };
    if (stats.uid !== process.geteuid?.() || (stats.mode & 0o022) !== 0)
      return { state: undefined, problem: 'others may write to it' };
    text = await file.readFile('utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { state: undefined }
      : { state: undefined, problem: message };
  }
  const state = parseState(text);
  return state ? { state } : { state: undefined, problem: 'it is damaged, or of another version of snet' };
}

/** Deletes it and the files of the tables. @throws RedirectError */
export async function deleteState(files: PfFiles): Promise<void> {
  await inFolder(files, 'the files of pf could not be deleted', async () => {
    // The state last: as long as it is there, somebody comes back for the others.
    for (const path of [files.own, files.bypass, files.state]) {
      try {
        await rm(path, { force: true, recursive: true });
      } catch (error) {
        // The folder is none.
        if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
      }
    }
  });
}

export function renderState(state: PfState): string {
  return `${JSON.stringify({ version: VERSION, ...state }, undefined, 2)}\n`;
}

/** @returns undefined for everything but what {@link renderState} gives */
export function parseState(text: string): PfState | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null) return undefined;
  const { version, owner, boot, token, before, segmentation } = found as Record<string, unknown>;
  if (version !== VERSION || !isCount(owner) || owner < 1) return undefined;
  if (boot !== undefined && !(typeof boot === 'string' && /^[0-9A-F-]{1,64}$/.test(boot))) return undefined;
  // They become arguments of pfctl.
  if (token !== undefined && !isToken(token)) return undefined;
  if (before !== undefined && !(Array.isArray(before) && before.every(isToken))) return undefined;
  if (segmentation !== undefined && !isCount(segmentation)) return undefined;
  return { owner, boot, token, before, segmentation };
}

const isToken = (value: unknown): value is string => typeof value === 'string' && /^\d{1,20}$/.test(value);
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;

async function inFolder(files: PfFiles, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new RedirectError('ERR_REDIRECT_COMMAND', what, {
      hint: `look at the folder ${files.folder}: it must be root's, and there must be room on the disk`,
      cause,
    });
  }
}
