/** `snet update`: newer address ranges and domain lists, each replaced only by what is one. */
import { join } from 'node:path';
import { makeOwnFolder } from '../base/replace_file.ts';
import { isUrl } from '../dns/lists/cached.ts';
import type { ListLocations, ListUse } from '../dns/lists/load.ts';
import { updateList, type ListReport } from './update/list.ts';
import { APNIC_URLS, updateRanges, type RangesReport } from './update/ranges.ts';
import { UpdateError } from './update/update_error.ts';

export interface UpdateOptions {
  /** Absolute. Made if it isn't there. */
  readonly stateDirectory: string;
  readonly lists: ListLocations;
  readonly force: boolean;
  /** Where the address ranges come from. */
  readonly rangesUrls?: readonly string[];
}

export interface UpdateReport {
  readonly directory: string;
  readonly ranges: RangesReport;
  readonly lists: readonly (ListReport & { readonly uses: readonly ListUse[] })[];
}

/**
 * Fetches all that is configured as a URL. What fails leaves the old file in its place and is told in the report; the
 * rest goes on. A running snet takes the new files at its next reload.
 * @throws UpdateError if the state directory can't be used
 */
export async function runUpdate(options: UpdateOptions): Promise<UpdateReport> {
  const { stateDirectory, lists, force, rangesUrls: urls = APNIC_URLS } = options;
  await prepare(stateDirectory);
  const ranges = await updateRanges({ stateDirectory, urls, force });
  const reports = [];
  // One after the other: a list may be 64 MiB.
  for (const [url, uses] of usesByUrl(lists)) {
    reports.push({ ...(await updateList(url, { stateDirectory, force })), uses });
  }
  return { directory: stateDirectory, ranges, lists: reports };
}

/** Did any part of it fail? */
export function hasFailed({ ranges, lists }: UpdateReport): boolean {
  return [ranges, ...lists].some(({ outcome }) => outcome === 'failed');
}

/** A URL that is configured for two uses is fetched once. */
function usesByUrl(lists: ListLocations): Map<string, ListUse[]> {
  const uses = new Map<string, ListUse[]>();
  for (const use of ['china', 'foreign', 'block'] as const) {
    for (const location of new Set(lists[use])) {
      if (isUrl(location)) uses.set(location, [...(uses.get(location) ?? []), use]);
    }
  }
  return uses;
}

async function prepare(stateDirectory: string): Promise<void> {
  try {
    await makeOwnFolder(stateDirectory);
    await makeOwnFolder(join(stateDirectory, 'lists'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const isForbidden = code === 'EACCES' || code === 'EPERM';
    throw new UpdateError(
      isForbidden ? 'ERR_UPDATE_PERMISSION' : 'ERR_UPDATE_DIRECTORY',
      `the state directory ${stateDirectory} can't be used`,
      { cause, hint: isForbidden ? 'Run the same command with sudo.' : undefined },
    );
  }
}
