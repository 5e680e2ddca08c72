/** One domain list: fetched, looked at, and put in the place of the old one if it is one. */
import { readFile } from 'node:fs/promises';
import { explain, SnetError } from '../../base/errors.ts';
import { replaceFile } from '../../base/replace_file.ts';
import { cachedList } from '../../dns/lists/cached.ts';
import { noFindings, parseList, type BadLine, type Findings } from '../../dns/lists/parse.ts';
import { download } from './download.ts';
import { recall, remember } from './remembered.ts';
import { UpdateError } from './update_error.ts';

export interface ListReport {
  readonly url: string;
  /** `failed`: what was there before stays in use. */
  readonly outcome: 'updated' | 'unchanged' | 'failed';
  /** Names in the list that is in use now, exceptions included; undefined if there is none. */
  readonly names: number | undefined;
  /** Names in the list that was in use before. */
  readonly before: number | undefined;
  /** Lines that could not be read; they are left out. */
  readonly badLines: number;
  /** The first few of them. */
  readonly shown: readonly BadLine[];
  readonly status: string | undefined;
  readonly problem: string | undefined;
}

/** Less than so much of what was there is taken for a mistake of whoever publishes it. */
const LEAST_KEPT = 0.5;

export interface ListOptions {
  /** Absolute; its folder `lists` is there. */
  readonly stateDirectory: string;
  /** Takes a list that has lost more than half of its names. */
  readonly force: boolean;
}

/** Never throws: what goes wrong is in the report. */
export async function updateList(url: string, { stateDirectory, force }: ListOptions): Promise<ListReport> {
  const path = cachedList(stateDirectory, url);
  const old = await readFile(path).catch(() => undefined);
  const before = old && findingsOf(old);
  const unchanged = { url, before: before?.rules, status: undefined, problem: undefined };
  try {
    const known = before !== undefined && before.rules > 0 ? await recall(path, url) : {};
    const found = await download(url, { known });
    if (!found.changed) return { ...unchanged, ...counts(before), outcome: 'unchanged' };
    const findings = findingsOf(found.body);
    check(url, findings, force ? undefined : before);
    const isSame = old?.equals(found.body) ?? false;
    if (!isSame) await replaceFile(path, found.body);
    await remember(path, url, found.validators);
    return { ...unchanged, ...counts(findings), outcome: isSame ? 'unchanged' : 'updated' };
  } catch (error) {
    const status = error instanceof SnetError ? error.status : undefined;
    return { ...unchanged, ...counts(before), outcome: 'failed', status, problem: explain(error) };
  }
}

function findingsOf(bytes: Uint8Array): Findings {
  const findings = noFindings();
  // Only counted: what a bare name means makes no difference.
  for (const _ of parseList(new TextDecoder().decode(bytes), 'exact', findings));
  return findings;
}

function counts(findings: Findings | undefined): Pick<ListReport, 'names' | 'badLines' | 'shown'> {
  return { names: findings?.rules, badLines: findings?.bad ?? 0, shown: findings?.shown ?? [] };
}

/** @throws UpdateError */
function check(url: string, { rules, bad, shown }: Findings, before: Findings | undefined): void {
  if (rules === 0 || bad > rules) {
    const example =
      shown[0] === undefined ? '' : `; line ${shown[0].line} is ${JSON.stringify(shown[0].text)}`;
    throw new UpdateError(
      'ERR_UPDATE_NO_LIST',
      `${url} is no domain list: ${rules} names, ${bad} other lines${example}`,
    );
  }
  if (before !== undefined && rules < LEAST_KEPT * before.rules) {
    throw new UpdateError(
      'ERR_UPDATE_IMPLAUSIBLE',
      `${url} has ${rules} names, and had ${before.rules} before; the old one is kept (--force takes the new one)`,
    );
  }
}
