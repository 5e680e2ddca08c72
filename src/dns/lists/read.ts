/** The text of a list file. */
import { open } from 'node:fs/promises';

/** Bytes of a list, as a file or from the network: a hundred times what the large ones have. */
export const LARGEST_LIST = 64 * 1024 * 1024;

/**
 * Bytes that are no UTF-8 become U+FFFD, and spoil only the line that they are in.
 * @throws Error, of the system or for what is no regular file or larger than {@link LARGEST_LIST}
 */
export async function readListFile(path: string): Promise<string> {
  await using handle = await open(path, 'r');
  const stat = await handle.stat();
  // A device or a pipe might never end.
  if (!stat.isFile()) throw new Error('it is no regular file');
  if (stat.size > LARGEST_LIST) throw new Error(`it is larger than ${LARGEST_LIST / 1024 / 1024} MiB`);
  return new TextDecoder().decode(await handle.readFile());
}
