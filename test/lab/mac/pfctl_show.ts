/** What `pfctl -s …` prints. */
import type { MacState } from './mac_state.ts';
import { placeOf, rulesetOf } from './pf_kernel.ts';
import { printFilter, printTranslation } from './pf_print.ts';

/** Of `-s`: the beginning of a word is enough, the first that fits counts. */
export const SHOW = [
  'nat',
  'rules',
  'Anchors',
  'Sources',
  'states',
  'info',
  'Interfaces',
  'labels',
  'timeouts',
  'memory',
  'Tables',
  'References',
  'osfp',
  'all',
] as const;
/** @param path of the anchor; '' for the main ruleset */
export function show(
  state: MacState,
  path: string,
  what: (typeof SHOW)[number],
  flags: ReadonlyMap<string, string>,
): { stdout: string; stderr: string } {
  const { pf } = state;
  const only = (stdout: string) => ({ stdout, stderr: '' });
  switch (what) {
    case 'nat':
    case 'rules': {
      const rules = placeOf(state, path);
      // It warns of an anchor that isn't there, and succeeds.
      if (!rules) return { stdout: '', stderr: 'pfctl: DIOCGETRULES: Invalid argument\n' };
      const ruleset = rulesetOf(state, rules);
      return only(what === 'nat' ? printTranslation(ruleset) : printFilter(ruleset));
    }
    case 'Anchors':
      return only(
        Object.keys(pf.anchors)
          .toSorted()
          .filter((name) => isChild(name, path) || (flags.has('v') && name.startsWith(path)))
          .map((name) => `  ${name}\n`)
          .join(''),
      );
    case 'info':
      return only(info(pf.isOn));
    case 'References':
      return only(references(state));
    case 'Interfaces':
      return only(interfaces(state, flags.get('i'), flags.has('v')));
    case 'states':
      return only(pf.states.map((line) => `${line}\n`).join(''));
    case 'Tables':
      return only(
        Object.keys(placeOf(state, path)?.tables ?? {})
          .map((name) => `${name}\n`)
          .join(''),
      );
    default:
      throw new Error(`not known to the fake: pfctl -s ${what}`);
  }
}

function isChild(name: string, path: string): boolean {
  const rest = path === '' ? name : name.startsWith(`${path}/`) ? name.slice(path.length + 1) : '/';
  return !rest.includes('/');
}

/** macOS 26.5.2; that of macOS 13 to 15 is the same. */
function info(isOn: boolean): string {
  const status = isOn ? 'Status: Enabled for 0 days 00:00:00' : 'Status: Disabled';
  return `\
${status.padEnd(46)}Debug: Urgent

State Table                          Total             Rate
  current entries                        0               
  searches                               0            0.0/s
  inserts                                0            0.0/s
  removals                               0            0.0/s
Counters
  match                                  0            0.0/s
  bad-offset                             0            0.0/s
  fragment                               0            0.0/s
  short                                  0            0.0/s
  normalize                              0            0.0/s
  memory                                 0            0.0/s
`;
}

function references({ pf }: MacState): string {
  if (pf.references.length === 0) return 'No pf starter references held\n';
  const row = (pid: string | number, program: string, token: string, age: string) =>
    `${String(pid).padEnd(8)} ${program.padEnd(28)} ${token.padEnd(24)} ${age}\n`;
  return [
    'TOKENS:\n',
    row('PID', 'Process Name', 'TOKEN', 'TIMESTAMP'),
    // The newest first.
    ...pf.references
      .toReversed()
      .map(({ pid, program, token }) => row(pid, program, token, '0 days 00:00:00')),
  ].join('');
}

/** pfi_print_iface() of OpenBSD's pfctl. */
function interfaces({ pf, interfaces: all }: MacState, name: string | undefined, verbose: boolean): string {
  return Object.keys(all)
    .filter((one) => name === undefined || one === name)
    .map((one) => {
      const title = `${one}${verbose && pf.skipped.includes(one) ? ' (skip)' : ''}\n`;
      const counters = '\tIn4/Pass:    [ Packets: 0                  Bytes: 0                  ]\n';
      return title + (verbose ? `\tCleared:     Mon Nov 23 10:00:00 2026\n${counters}` : '');
    })
    .join('');
}
