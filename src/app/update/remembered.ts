/** What is known of a fetched file, in a JSON file beside it. */
import { readFile } from 'node:fs/promises';
import { replaceFile } from '../../base/replace_file.ts';
import type { Validators } from './download.ts';

function beside(path: string): string {
  return `${path}.json`;
}

/** Nothing, if it isn't there, is damaged, or is of another URL: then the file is fetched as if for the first time. */
export async function recall(path: string, url: string): Promise<Validators> {
  try {
    const known = JSON.parse(await readFile(beside(path), 'utf8')) as Record<string, unknown>;
    if (known['url'] !== url) return {};
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    return { etag: text(known['etag']), lastModified: text(known['lastModified']) };
  } catch {
    return {};
  }
}

/** Call it after the file itself has been replaced: if that is all that happens, it is fetched once too often. */
export async function remember(path: string, url: string, validators: Validators): Promise<void> {
  await replaceFile(beside(path), `${JSON.stringify({ url, ...validators }, undefined, 2)}\n`);
}
