/**
 * What snet may touch on a Mac, as text that can be compared: pf, what it holds for whom, and what else is changed while snet
 * runs. Counters, ages and process ids are left out: two looks at a Mac at rest are equal.
 */
import { isEnabledIn, isSkippedIn, referencesIn } from '../../src/redirect/pf/listings.ts';
import { ANCHOR, PF_FOLDER } from '../../src/redirect/pf/names.ts';

interface Section {
  readonly name: string;
  readonly argv: readonly string[];
  /** What of the output is compared: lines. */
  readonly read: (stdout: string) => readonly string[];
}

const lines = (stdout: string) =>
  stdout
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');

const ENABLED = new Map([
  [true, 'enabled'],
  [false, 'disabled'],
]);

export const SECTIONS: readonly Section[] = [
  {
    name: 'pf',
    argv: ['pfctl', '-s', 'info'],
    read: (stdout) => [ENABLED.get(isEnabledIn(stdout)!) ?? 'says neither enabled nor disabled'],
  },
  { name: 'main translation rules', argv: ['pfctl', '-s', 'nat'], read: lines },
  { name: 'main filter rules', argv: ['pfctl', '-s', 'rules'], read: lines },
  // With -v: anchors within anchors, too.
  { name: 'anchors', argv: ['pfctl', '-v', '-s', 'Anchors'], read: (stdout) => lines(stdout).toSorted() },
  { name: 'our translation rules', argv: ['pfctl', '-a', ANCHOR, '-s', 'nat'], read: lines },
  { name: 'our filter rules', argv: ['pfctl', '-a', ANCHOR, '-s', 'rules'], read: lines },
  { name: 'our tables', argv: ['pfctl', '-a', ANCHOR, '-s', 'Tables'], read: lines },
  {
    name: 'who wants pf on',
    argv: ['pfctl', '-s', 'References'],
    read: (stdout) =>
      referencesIn(stdout)?.map(({ program, token }) => `${program} ${token}`) ?? lines(stdout),
  },
  {
    name: 'lo0',
    argv: ['pfctl', '-v', '-s', 'Interfaces', '-i', 'lo0'],
    read: (stdout) => [isSkippedIn(stdout, 'lo0') ? 'skipped' : 'looked at'],
  },
  { name: 'segmentation offload', argv: ['sysctl', '-n', 'net.inet.tcp.tso'], read: lines },
  { name: '/etc/pf.conf', argv: ['shasum', '-a', '256', '/etc/pf.conf'], read: lines },
  {
    name: PF_FOLDER,
    argv: ['ls', '-A', PF_FOLDER],
    // The lock and the control socket of a run that was killed are nobody's; the next one takes them over.
    read: (stdout) => lines(stdout).filter((name) => !/\.(?:lock|sock)$/.test(name)),
  },
];

/** Lines by the name of their section. */
export type PfState = ReadonlyMap<string, readonly string[]>;

/** @param run gives stdout; that of a program that fails counts as it is */
export async function readPfState(run: (argv: readonly string[]) => Promise<string>): Promise<PfState> {
  const state = new Map<string, readonly string[]>();
  for (const { name, argv, read } of SECTIONS) state.set(name, read(await run(argv)));
  return state;
}

/** What differs, one line each: `- SECTION: LINE` was there before, `+ …` is there now. Nothing: all is as it was. */
export function differences(before: PfState, after: PfState): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [was, is] = [before.get(name) ?? [], after.get(name) ?? []];
    const gone = without(was, is).map((line) => `- ${name}: ${line}`);
    const come = without(is, was).map((line) => `+ ${name}: ${line}`);
    if (gone.length + come.length > 0 || was.join('\n') === is.join('\n')) return [...gone, ...come];
    return [`± ${name}: the same lines in another order`];
  });
}

/** The lines of `all` that `others` hasn't; of one that is there twice, as many as it has more. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** For the report. */
export function renderPfState(state: PfState): string {
  return [...state]
    .map(([name, found]) => `== ${name}\n${found.map((line) => `${line}\n`).join('')}`)
    .join('');
}
