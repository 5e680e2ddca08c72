/** A download from abroad that never ends by itself. */
import { eventually } from './eventually.ts';
import { ABROAD, url } from './internet.ts';
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';

const ENDLESS = url(ABROAD.v4, `bulk/${1024 ** 4}`);

/** Starts one; resolves once something has come. */
export async function startDownload(ns: Netns): Promise<Program> {
  const download = start(ns, ['curl', '-sS', ENDLESS]);
  await eventually('the download to begin', () => download.stdout().length > 0);
  return download;
}
