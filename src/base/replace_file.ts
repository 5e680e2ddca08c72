/** Files that are whole or not there: what a reader finds is the old one or the new one, also after a loss of power. */
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Makes a folder, and those above it, for its owner alone.
 * @throws Error, of the system or if others could write to what is there
 */
export async function makeOwnFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const stats = await lstat(path);
  if (!stats.isDirectory()) throw new Error(`${path} is no directory`);
  if (stats.uid !== process.geteuid?.() || (stats.mode & 0o022) !== 0) {
    throw new Error(`others may write to ${path}`);
  }
}

/**
 * Puts a file in the place of the one that was there; if it fails, that one is still there.
 *
 * @param contents of several parts each is written before the next is asked for, so that they may share their memory
 * @throws Error of the system
 */
export async function replaceFile(
  path: string,
  contents: Uint8Array | string | Iterable<Uint8Array>,
): Promise<void> {
  // By process: of two that replace one file at a time, the last counts.
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    await rm(beside, { force: true });
    // "wx" follows no link that somebody may have put there.
    await using file = await open(beside, 'wx', 0o600);
    const parts = typeof contents === 'string' || contents instanceof Uint8Array ? [contents] : contents;
    // Bun's writeFile takes an iterable too, but lets nobody else run until all of it is written.
    for (const part of parts) await file.appendFile(part);
    await file.sync();
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  // Else the rename may not outlive a loss of power.
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
}
