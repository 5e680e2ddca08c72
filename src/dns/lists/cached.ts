/** Where the lists that were fetched from URLs are kept: `snet update` writes them, the resolver reads them. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export function isUrl(location: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(location);
}

/**
 * The file that holds what a URL gave, as it came. Beside it, with `.json` at the end, stands what is known of it.
 * @param stateDirectory an absolute path
 */
export function cachedList(stateDirectory: string, url: string): string {
  const hash = createHash('sha256').update(url).digest('hex');
  // 128 bits: no two URLs share a file by chance, and names stay readable in a listing.
  return join(stateDirectory, 'lists', `${hash.slice(0, 32)}.txt`);
}
