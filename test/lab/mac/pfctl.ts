/** pfctl of macOS: its command line, what it asks of the kernel, and what it says (main() of pfctl.c and its kin). */
import type { MacState } from './mac_state.ts';
import { flush, KernelRefusal, load, start, startReference, stop, stopReference } from './pf_kernel.ts';
import { PfError } from './pf_tokens.ts';
import { show, SHOW } from './pfctl_show.ts';
import { table } from './pfctl_table.ts';

export interface Call {
  readonly argv: readonly string[];
  readonly stdin: string;
  /** Of the program that is run. */
  readonly pid: number;
  /** @throws with code ENOENT */
  readonly readFile: (path: string) => string;
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** getopt() of macOS 15's pfctl; those with a colon take an argument. */
const OPTIONS = 'a:AdD:eEf:F:gGhi:k:K:mnNOo:Pp:qrRs:t:T:vw:x:X:z';
const FLUSH = ['nat', 'rules', 'states', 'info', 'Tables', 'osfp', 'Sources', 'all'] as const;

/** On stderr of whatever opens /dev/pf. */
const NOTICES = 'No ALTQ support in kernel\nALTQ related functions disabled\n';
/** On stderr of whatever loads the main ruleset. */
const LOAD_NOTICES = `\
pfctl: Use of -f option, could result in flushing of rules
present in the main ruleset added by the system at startup.
See /etc/pf.conf for further details.

`;

/** Fails with this on stderr. */
class Failure extends Error {
  readonly code: number;

  constructor(message: string, code: number = 1) {
    super(message);
    this.code = code;
  }
}

/** Runs it on `state`, which it changes. */
export function pfctl(state: MacState, call: Call): Result {
  let stdout = '';
  let stderr = '';
  try {
    const { flags, rest } = readOptions(call.argv.slice(1));
    const quiet = flags.has('q');
    const say = (text: string) => {
      if (!quiet) stderr += text;
    };
    const path = flags.get('a') ?? '';
    const file = flags.get('f');
    if (!flags.has('n')) {
      if (!state.isRoot) throw new Failure('pfctl: /dev/pf: Permission denied');
      if (state.refusal !== undefined) throw new Failure(state.refusal);
      if (file !== undefined && path === '' && !flags.has('T')) say(LOAD_NOTICES);
      say(NOTICES);
    }
    if (flags.has('d')) {
      stop(state);
      say('pf disabled\n');
    }
    const released = flags.get('X');
    if (released !== undefined) say(release(state, released));
    const showing = flags.get('s');
    if (showing !== undefined) {
      const shown = show(state, path, known(SHOW, showing), flags);
      stdout += shown.stdout;
      stderr += shown.stderr;
    }
    const what = flags.get('F');
    if (what !== undefined) say(clear(state, path, known(FLUSH, what)));
    if (flags.has('k')) say(kill(state, [flags.get('k')!]));
    if (flags.has('T')) {
      const done = table(state, call, path, flags, rest);
      stdout += done.stdout;
      say(done.stderr);
      if (done.code !== 0) return { code: done.code, stdout, stderr };
    } else if (file !== undefined) {
      loadFile(state, call, path, file, flags.has('n'));
    }
    if (flags.has('e')) {
      start(state);
      say('pf enabled\n');
    }
    if (flags.has('E')) say(`pf enabled\nToken : ${startReference(state, call.pid, 'pfctl')}\n`);
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (error instanceof KernelRefusal)
      return { code: 1, stdout, stderr: `${stderr}pfctl: ${error.message}\n` };
    if (error instanceof Failure) return { code: error.code, stdout, stderr: `${stderr}${error.message}\n` };
    throw error;
  }
}

function readOptions(args: readonly string[]): { flags: Map<string, string>; rest: readonly string[] } {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith('-') || arg === '-') return { flags, rest: args.slice(i) };
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at]!;
      const place = OPTIONS.indexOf(letter);
      if (place < 0) throw new Failure(`pfctl: illegal option -- ${letter}`);
      if (OPTIONS[place + 1] !== ':') {
        flags.set(letter, '');
        continue;
      }
      const value = arg.slice(at + 1) || args[++i];
      if (value === undefined) throw new Failure(`pfctl: option requires an argument -- ${letter}`);
      flags.set(letter, value);
      break;
    }
  }
  return { flags, rest: [] };
}

function known<T extends string>(words: readonly T[], text: string): T {
  const word = words.find((one) => one.startsWith(text));
  if (word === undefined) throw new Failure(`pfctl: Unknown modifier '${text}'`);
  return word;
}

function release(state: MacState, token: string): string {
  if (!/^\d+$/.test(token)) throw new Failure(`pfctl: invalid token: ${token}`);
  const left = stopReference(state, token);
  return left === 0
    ? 'pf disabled\n'
    : `disable request successful. ${left} more pf enable reference(s) remaining, pf still enabled.\n`;
}

function clear(state: MacState, path: string, what: (typeof FLUSH)[number]): string {
  switch (what) {
    case 'all': {
      const gone = flush(state, path, true);
      const said = `rules cleared\nnat cleared\ndummynet cleared\n${gone} tables deleted.\n`;
      if (path !== '') return said;
      const states = state.pf.states.splice(0).length;
      state.pf.skipped = [];
      return `${said}${states} states cleared\nsource tracking entries cleared\npf: statistics cleared\npf: interface flags reset\n`;
    }
    case 'states':
      return `${state.pf.states.splice(0).length} states cleared\n`;
    default:
      throw new Error(`not known to the fake: pfctl -F ${what}`);
  }
}

/** By the client's address, the last of the line. */
function kill({ pf }: MacState, [source]: readonly string[]): string {
  const before = pf.states.length;
  pf.states = pf.states.filter((line) => !line.includes(`<- ${source}:`));
  return `killed ${before - pf.states.length} states from 1 sources and 0 destinations\n`;
}

function loadFile(state: MacState, call: Call, path: string, file: string, onlyParse: boolean): void {
  const name = file === '-' ? 'stdin' : file;
  let text: string;
  try {
    text = file === '-' ? call.stdin : call.readFile(file);
  } catch {
    throw new Failure(`pfctl: ${file}: No such file or directory`);
  }
  // All of it, or nothing.
  const next = structuredClone(state);
  try {
    load(next, path, text, name, call.readFile);
  } catch (error) {
    if (!(error instanceof PfError)) throw error;
    throw new Failure(`${error.message}\npfctl: Syntax error in config file: pf rules not loaded`);
  }
  if (!onlyParse) state.pf = next.pf;
}
