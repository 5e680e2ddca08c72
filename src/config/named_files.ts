/** Files that keys name and that the program cannot do without: looked at while it is known where the key stands. */
import { X509Certificate } from 'node:crypto';
import type { Config } from './config.ts';
import type { Document } from './document.ts';
import { ConfigError, type Problem } from './error.ts';
import { readTextFile } from './read_file.ts';

/** What is wrong with the files of the resolvers' `ca`. Lists are no matter: what is wrong with one is a warning. */
export async function problemsOfFiles({ dns }: Config, document: Document): Promise<Problem[]> {
  if (!dns) return [];
  const problems: Problem[] = [];
  for (const side of ['china', 'trusted'] as const) {
    for (const [i, { ca }] of dns[side].entries()) {
      if (ca === undefined) continue;
      const why = await faultOfAuthority(ca);
      if (!why) continue;
      problems.push({
        ...document.originOf(['dns', side, i, 'ca']),
        found: `${JSON.stringify(ca)}, ${why.found}`,
        expected: 'a PEM file with a certificate',
        hint: why.hint,
      });
    }
  }
  return problems;
}

/** @returns undefined if it is a certificate */
async function faultOfAuthority(path: string): Promise<Pick<Problem, 'found' | 'hint'> | undefined> {
  try {
    void new X509Certificate((await readTextFile(path)).text);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) return { found: 'no certificate in it' };
    const isMissing = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    const { found, hint } = error.problems[0]!;
    return {
      found,
      hint: isMissing ? 'check the path; a relative one begins at the folder of this file' : hint,
    };
  }
}
