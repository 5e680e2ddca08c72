/** Runs pfctl, and sysctl; their failures come out as ours, with what they said and what that means. */
import type { Finished, Runner } from '../../base/runner.ts';
import { runCommand } from '../command.ts';
import { RedirectError, type RedirectStatus } from '../redirect.ts';
import { ANCHOR } from './names.ts';

/** Counts one who wants pf to be on. Never `-e` or `-d`, which know nothing of others. */
export const ENABLE = ['pfctl', '-E'];
export const INFO = ['pfctl', '-s', 'info'];
export const REFERENCES = ['pfctl', '-s', 'References'];
export const LOOPBACK = ['pfctl', '-s', 'Interfaces', '-i', 'lo0', '-v'];
export const MAIN_TRANSLATION = ['pfctl', '-sn'];
export const MAIN_FILTER = ['pfctl', '-sr'];
/** Replaces the main ruleset; the one command here that others feel. */
export const RELOAD_MAIN = ['pfctl', '-f', '/etc/pf.conf'];
/** Reads the ruleset from stdin. */
export const LOAD = ['pfctl', '-a', ANCHOR, '-f', '-'];
export const OUR_TRANSLATION = ['pfctl', '-a', ANCHOR, '-sn'];
export const OUR_FILTER = ['pfctl', '-a', ANCHOR, '-sr'];
/** Rules and tables; with an anchor, of that alone. */
export const FLUSH = ['pfctl', '-a', ANCHOR, '-F', 'all'];

/** @param token as `pfctl -E` gave it */
export function release(token: string): string[] {
  return ['pfctl', '-X', token];
}

/** Puts the file's addresses in the place of a table's, all at once. */
export function replaceTable(table: string, file: string): string[] {
  return ['pfctl', '-a', ANCHOR, '-t', table, '-T', 'replace', '-f', file];
}

/** pfctl of another program may hold the ruleset for a moment, in the middle of its own transaction. */
const BUSY = /resource busy/i;
const ROUNDS = 5;
const PAUSE_MS = 50;

/**
 * Runs one of them to its end.
 * @returns what it printed
 * @throws RedirectError: ERR_REDIRECT_UNSUPPORTED if the program, or pf itself, is missing; ERR_REDIRECT_PERMISSION;
 *   ERR_REDIRECT_COMMAND for every other failure
 */
export async function execute(runner: Runner, argv: readonly string[], stdin?: string): Promise<Finished> {
  for (let round = 1; ; round++) {
    const finished = await runCommand(runner, argv, stdin);
    if (finished.code === 0) return finished;
    if (round < ROUNDS && BUSY.test(finished.stderr)) {
      await Bun.sleep(PAUSE_MS * round);
      continue;
    }
    throw failureOf(argv, finished, stdin);
  }
}

/**
 * Runs one whose failure may be of no matter.
 * @param isFine whether what it said on stderr says so
 * @returns whether it succeeded
 * @throws RedirectError as {@link execute}
 */
export async function attempt(
  runner: Runner,
  argv: readonly string[],
  isFine: (stderr: string) => boolean,
): Promise<boolean> {
  const finished = await runCommand(runner, argv);
  if (finished.code === 0) return true;
  if (isFine(finished.stderr)) return false;
  throw failureOf(argv, finished);
}

interface Reading {
  readonly pattern: RegExp;
  readonly status: RedirectStatus;
  readonly hint?: string;
}

/** What pfctl says, and what we make of it. The first that matches counts. */
const READINGS: readonly Reading[] = [
  {
    // open(2) of /dev/pf, which is root's alone.
    pattern: /\/dev\/pf: permission denied|permission denied/i,
    status: 'ERR_REDIRECT_PERMISSION',
    hint: 'run it as root: sudo snet run …',
  },
  {
    // Root, and refused all the same.
    pattern: /operation not permitted/i,
    status: 'ERR_REDIRECT_PERMISSION',
    hint: 'as root this means that the system forbids it: a sandbox, or a profile of the organisation that manages this Mac (System Settings › General › Device Management)',
  },
  {
    pattern: /\/dev\/pf: (?:no such file|device not configured|operation not supported)/i,
    status: 'ERR_REDIRECT_UNSUPPORTED',
    hint: 'this kernel has no packet filter: a container, or a system that was stripped of it',
  },
  {
    pattern: BUSY,
    status: 'ERR_REDIRECT_COMMAND',
    hint: 'another program is changing the packet filter at the same time, and does not end: a firewall or VPN application, perhaps',
  },
  {
    pattern: /cannot allocate memory/i,
    status: 'ERR_REDIRECT_COMMAND',
    hint: 'a table of pf holds 200,000 addresses at most, all tables together: is there a bypass list that is larger?',
  },
  {
    pattern: /syntax error|rules must be in order|unknown group|cannot load/i,
    status: 'ERR_REDIRECT_COMMAND',
    hint: 'that is a mistake in snet, or a pfctl that is newer than it knows: please report it, with the macOS version',
  },
];

/** As the same of {@link RELOAD_MAIN}: the file is the user's. */
const READINGS_OF_MAIN: readonly Reading[] = [
  {
    pattern: /syntax error|rules must be in order|unknown group|cannot load|not loaded/i,
    status: 'ERR_REDIRECT_COMMAND',
    hint: 'there is a mistake in /etc/pf.conf, or in a file that it names; this shows it, and changes nothing: sudo pfctl -nf /etc/pf.conf',
  },
];

function failureOf(argv: readonly string[], { code, stderr }: Finished, stdin?: string): RedirectError {
  const said = spoken(stderr).join('; ') || `exit code ${code}, without a word`;
  const readings = argv === RELOAD_MAIN ? [...READINGS_OF_MAIN, ...READINGS] : READINGS;
  const reading = readings.find(({ pattern }) => pattern.test(stderr));
  return new RedirectError(
    reading?.status ?? 'ERR_REDIRECT_COMMAND',
    `${argv.join(' ')} failed${atFault(stderr, stdin)}: ${said}`,
    { hint: reading?.hint },
  );
}

/** Said on every success too, and no part of a failure. */
const NOTICES: readonly RegExp[] = [
  /^No ALTQ support in kernel$/,
  /^ALTQ related functions disabled$/,
  /^pfctl: Use of -f option, could result in flushing of rules$/,
  /^present in the main ruleset added by the system at startup\.$/,
  /^See \/etc\/pf\.conf for further details\.$/,
];

/** The lines that pfctl says, without its notices. */
function spoken(stderr: string): string[] {
  return stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !NOTICES.some((notice) => notice.test(line)));
}

/** The line of our input that is named: `stdin:3: syntax error`. */
function atFault(stderr: string, stdin: string | undefined): string {
  const [, number] = /^(?:stdin|-):(\d+):/m.exec(stderr) ?? [];
  const line = number === undefined ? undefined : stdin?.split('\n')[Number(number) - 1];
  return line ? ` at "${line}"` : '';
}
