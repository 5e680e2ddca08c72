/** What a run on a Mac came to, for whoever has no Mac: a page for the run's summary, and annotations. */
import type { Outcome } from './steps.ts';

/** Facts of the machine and of what snet found there, in the order of asking. */
export type Facts = readonly (readonly [name: string, value: string])[];

/** Lines of snet's log that say how this Mac is dealt with. */
const TELLING: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['original destinations', /original destinations are (?:asked|read)[^\n]*/],
  ['pf as it was found', /pf as it was found[^\n]*/],
  ['proofs', /[^\n]*(?:could not be proven|there is no route|did not come to us)[^\n]*/],
  ['mechanism', / redirecting [^\n]*/],
  ['IPv6', /[^\n]*\bIPv6\b[^\n]*/],
  ['ready', / ready [^\n]*/],
];

/** What `snet run` says in its log of the ways it has chosen; `not said` of what it doesn't. */
export function factsOfLog(log: string): Facts {
  return TELLING.map(([name, pattern]) => [name, pattern.exec(log)?.[0].trim() ?? 'not said']);
}

/** GitHub-flavoured Markdown. */
export function renderReport(title: string, facts: Facts, outcomes: readonly Outcome[]): string {
  const count = (result: Outcome['result']) => outcomes.filter((each) => each.result === result).length;
  const rows = outcomes.map(
    ({ name, result, detail, ms }) => `| ${cell(result)} | ${cell(name)} | ${ms} | ${cell(detail)} |`,
  );
  return [
    `## ${title}: ${count('ok')} ok, ${count('FAILED')} failed, ${count('skipped')} skipped`,
    '',
    '| fact | |',
    '|---|---|',
    ...facts.map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`),
    '',
    '| result | step | ms | |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** One cell of a table: nothing in it ends the cell, or is read as markup. */
function cell(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('`', "'")
    .trim()
    .replaceAll('\n', '<br>');
}

/** Workflow commands: `::error title=…::…`, one for each failed step. */
export function annotations(title: string, outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ result }) => result === 'FAILED')
    .map(({ name, detail }) => `::error title=${escaped(`${title}: ${name}`, true)}::${escaped(detail)}`);
}

/** As @actions/core escapes them: what ends a command, and in a property also what ends that. */
function escaped(text: string, isProperty = false): string {
  const data = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return isProperty ? data.replaceAll(':', '%3A').replaceAll(',', '%2C') : data;
}
