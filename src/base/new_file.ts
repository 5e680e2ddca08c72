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
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new NewFileError('ERR_FILE_WRITE', `cannot write ${path}`, { cause });
    }
    throw new NewFileError('ERR_FILE_EXISTS', `${path} is there already`, { hint: '--force replaces it' });
  }
}
