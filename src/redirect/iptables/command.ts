/** Runs ipset and the programs of iptables; their failures come out as ours. */
import type { Runner } from '../../base/runner.ts';
import { runCommand } from '../command.ts';
import { RedirectError, type RedirectStatus } from '../redirect.ts';

/** Seconds that a program waits for another one's change to end, before it gives up and says so. */
const LOCK_WAIT = 10;

export const LIST_SETS = ['ipset', 'list', '-name'];
export const RESTORE_SETS = ['ipset', 'restore'];

/** All tables: to name one would have the old iptables load its module. */
export function saveRules(family: 4 | 6): string[] {
  return [family === 4 ? 'iptables-save' : 'ip6tables-save'];
}

export function restoreRules(family: 4 | 6, ...more: readonly string[]): string[] {
  const program = family === 4 ? 'iptables-restore' : 'ip6tables-restore';
  return [program, '--noflush', `--wait=${LOCK_WAIT}`, ...more];
}

/**
 * Runs one of them to its end.
 * @returns what it printed
 * @throws RedirectError: ERR_REDIRECT_UNSUPPORTED if the program, or what it needs of the kernel, is missing;
 *   ERR_REDIRECT_PERMISSION; ERR_REDIRECT_COMMAND for every other failure
 */
export async function execute(runner: Runner, argv: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(runner, argv, stdin);
  if (code === 0) return stdout;
  const said = oneLine(stderr) || `exit code ${code}, without a word`;
  const status = statusOf(stderr);
  throw new RedirectError(status, `${argv[0]} failed${atFault(stderr, stdin)}: ${said}`, {
    hint: hintFor(status, stderr),
  });
}

/** What the programs say, in the C locale; each of iptables 1.8 (both variants) or ipset 7. */
const REASONS: readonly (readonly [pattern: RegExp, status: RedirectStatus])[] = [
  [/permission denied|operation not permitted|must be root/i, 'ERR_REDIRECT_PERMISSION'],
  [
    /(?:failed|unable) to initialize|can(?:'t|not) initialize|table does not exist|missing kernel module|couldn't load (?:match|target)|no chain\/target\/match by that name|cannot open session to kernel|not supported|no such file or directory/i,
    'ERR_REDIRECT_UNSUPPORTED',
  ],
];

function statusOf(stderr: string): RedirectStatus {
  return REASONS.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'ERR_REDIRECT_COMMAND';
}

function hintFor(status: RedirectStatus, stderr: string): string | undefined {
  if (status === 'ERR_REDIRECT_PERMISSION')
    return 'run it as root (sudo), or with the capability CAP_NET_ADMIN';
  if (/failed to initialize nft/i.test(stderr))
    return "this iptables needs nf_tables, which the kernel lacks; Debian's package has another: update-alternatives --config iptables";
  return undefined;
}

/** The line of the input that the program names: `line 3: RULE_APPEND failed`, `Error occurred at line: 3`. */
function atFault(stderr: string, stdin: string | undefined): string {
  const [, number] = /\bline:? (\d+)/i.exec(stderr) ?? [];
  const line = number === undefined ? undefined : stdin?.split('\n')[Number(number) - 1];
  return line ? ` at "${line}"` : '';
}

function oneLine(stderr: string): string {
  return stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('Try `'))
    .join('; ');
}
