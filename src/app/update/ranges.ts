/** The addresses in China, from APNIC's statistics: fetched, compared with what is known, and put in its place. */
import { explain, SnetError } from '../../base/errors.ts';
import { replaceFile } from '../../base/replace_file.ts';
import { rangeCount } from '../../net/ranges.ts';
import { delegatedRanges } from '../../route/apnic.ts';
import { encodeRanges, type DatedRanges } from '../../route/cn_format.ts';
import { loadCnRanges, updatedCnRanges } from '../../route/cn_ranges.ts';
import { implausible } from '../../route/plausible.ts';
import { download } from './download.ts';
import { recall, remember } from './remembered.ts';
import { UpdateError } from './update_error.ts';

/** APNIC's own server, then the other registries' copies, as they are a few hours younger or older. */
export const APNIC_URLS: readonly string[] = [
  'https://ftp.apnic.net/stats/apnic/delegated-apnic-latest',
  'https://ftp.ripe.net/pub/stats/apnic/delegated-apnic-latest',
  'https://ftp.arin.net/pub/stats/apnic/delegated-apnic-latest',
];

export interface RangesReport {
  /** `failed`: what was there before stays in use. */
  readonly outcome: 'updated' | 'unchanged' | 'failed';
  /** Of those in use now, and of those before: `yyyy-mm-dd`. */
  readonly date: string;
  readonly before: string;
  /** Ranges of each family that are in use now. */
  readonly v4: number;
  readonly v6: number;
  /** Where the new ones came from. */
  readonly url: string | undefined;
  readonly status: string | undefined;
  /** Of each server that was asked in vain. */
  readonly problems: readonly string[];
}

export interface RangesOptions {
  readonly stateDirectory: string;
  /** Asked one after the other until one has what is wanted. */
  readonly urls: readonly string[];
  /** Takes ranges that differ more from the known ones than is likely. */
  readonly force: boolean;
}

/**
 * What goes wrong with a server is in the report.
 * @throws RangesFileError if the executable is damaged
 */
export async function updateRanges({ stateDirectory, urls, force }: RangesOptions): Promise<RangesReport> {
  const path = updatedCnRanges(stateDirectory);
  const known = loadCnRanges(stateDirectory);
  const problems: string[] = known.problem ? [`${path} was not used: ${explain(known.problem)}`] : [];
  const report = ({ date, ranges }: DatedRanges) => ({
    date,
    before: known.date,
    v4: rangeCount(ranges.v4),
    v6: rangeCount(ranges.v6),
    problems,
  });
  let status: string | undefined;
  for (const url of urls) {
    try {
      const remembered = known.origin === 'updated' ? await recall(path, url) : {};
      const found = await download(url, { known: remembered });
      if (!found.changed) return { ...report(known), outcome: 'unchanged', url, status: undefined };
      const fresh = delegatedRanges(new TextDecoder().decode(found.body), 'CN');
      if (fresh.date <= known.date && !force) {
        return { ...report(known), outcome: 'unchanged', url, status: undefined };
      }
      if (!force) check(url, fresh, known);
      await replaceFile(path, encodeRanges(fresh));
      await remember(path, url, found.validators);
      // Older ones than those built in are not used, even if forced.
      const now = loadCnRanges(stateDirectory);
      return { ...report(now), outcome: 'updated', url, status: undefined };
    } catch (error) {
      status = error instanceof SnetError ? error.status : undefined;
      problems.push(error instanceof UpdateError ? explain(error) : `${url}: ${explain(error)}`);
    }
  }
  return { ...report(known), outcome: 'failed', url: undefined, status };
}

/** The registries' clocks are in other time zones than ours. */
const DAYS_AHEAD = 2;
const DAY = 86_400_000;

/** @throws UpdateError */
function check(url: string, fresh: DatedRanges, known: DatedRanges): void {
  const latest = new Date(Date.now() + DAYS_AHEAD * DAY).toISOString().slice(0, 10);
  const why =
    fresh.date > latest
      ? `is of ${fresh.date}, which is to come`
      : differs(implausible(fresh.ranges, known.ranges));
  if (why === undefined) return;
  const message = `${url} ${why}; the old ranges are kept (--force takes the new ones)`;
  throw new UpdateError('ERR_UPDATE_IMPLAUSIBLE', message);
}

function differs(how: string | undefined): string | undefined {
  return how === undefined ? undefined : `has ${how}`;
}
