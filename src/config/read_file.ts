/** The file itself: its bytes as text, and who else may read it. */
import { open } from 'node:fs/promises';
import { ConfigError } from './error.ts';

/** No configuration is this long; a wrong path may be. */
const LONGEST = 1024 * 1024;

/** S_IROTH of <sys/stat.h>. */
const OTHERS_READ = 0o004;

export interface TextFile {
  readonly text: string;
  /** May any user of the machine read it? */
  readonly worldReadable: boolean;
}

/** Reads a regular file, or a pipe such as /dev/stdin, to its end. @throws ConfigError */
export async function readTextFile(path: string): Promise<TextFile> {
  try {
    await using handle = await open(path, 'r');
    const stat = await handle.stat();
    if (stat.isDirectory()) throw unreadable(path, 'a directory', 'give the file in it');
    const bytes = new Uint8Array(LONGEST + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > LONGEST) throw unreadable(path, 'more than 1 MiB', 'is it the right file?');
    const text = decode(path, bytes.subarray(0, length));
    return { text, worldReadable: stat.isFile() && (stat.mode & OTHERS_READ) !== 0 };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'no reason given';
    throw unreadable(path, REASONS[code] ?? code, HINTS[code], error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'a directory',
  ENOTDIR: 'a path through something that is no directory',
};

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'check the path; it is relative to the current directory',
  EACCES: 'run as root, or as the owner of the file',
};

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const problem = { where: path, key: undefined, found: 'bytes that are no UTF-8', expected: 'a text' };
    throw new ConfigError('ERR_CONFIG_SYNTAX', [problem], cause);
  }
}

function unreadable(path: string, found: string, hint?: string, cause?: unknown): ConfigError {
  const problem = { where: path, key: undefined, found, expected: 'a configuration file', hint };
  return new ConfigError('ERR_CONFIG_READ', [problem], cause);
}
