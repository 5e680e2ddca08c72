/** Files that somebody asked for by name: with secrets in them, and not over what is there. */
import { open } from 'node:fs/promises';
import { SnetError } from './errors.ts';
import { replaceFile } from './replace_file.ts';

export type NewFileStatus =
  /** There is a file of this name. */
  | 'ERR_FILE_EXISTS'
  /** The system refuses. */
  | 'ERR_FILE_WRITE';

export class NewFileError extends SnetError<NewFileStatus> {}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'make its folder first',
  ENOTDIR: 'what stands before the last / is no folder',
  EISDIR: 'it is a folder; give a file in it',
  EACCES: 'run the same command with sudo, or write it elsewhere',
  EROFS: 'the file system is read-only; write it elsewhere',
};

/** Writes a file for its owner alone. @param force whether to replace one that is there. @throws NewFileError */
export async function writeNewFile(path: string, text: string, force: boolean): Promise<void> {
  try {
    if (force) {
      await replaceFile(path, text);
      return;
    }
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') {
      throw new NewFileError('ERR_FILE_WRITE', `cannot write ${path}`, { cause, hint: HINTS[code ?? ''] });
    }
    throw new NewFileError('ERR_FILE_EXISTS', `${path} is there already`, { hint: '--force replaces it' });
  }
}
