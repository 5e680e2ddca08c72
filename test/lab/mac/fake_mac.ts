/**
 * A Mac made of a file: stands in for the programs of macOS, which change it, and refuse what the real ones refuse. Any call
 * of any process can be made to fail, and any process to die right before or right after one.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  RunError,
  type Child,
  type Finished,
  type RunOptions,
  type Runner,
  type StartOptions,
} from '../../../src/base/runner.ts';
import { changeMac, readMac, writeMac } from './mac_file.ts';
import { held, stockMac, type MacState } from './mac_state.ts';
import { programOf } from './programs.ts';

/** In memory where there is such a place: these files are written thousands of times. */
export const FOLDERS = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** What becomes of a call. `lost` has its effect but fails all the same, as a program that was killed late. */
export type Fault = 'failed' | 'lost' | 'timed out' | 'missing' | 'dies before' | 'dies after';

export interface NumberedCall {
  /** Of this process; 1 is the first. */
  readonly number: number;
  readonly argv: readonly string[];
}

export interface ProcessOptions {
  /** Asked for every call, in the order in which they come. */
  readonly fault?: (call: NumberedCall) => Fault | undefined;
  /** Waited for before a call does anything. */
  readonly hold?: (call: NumberedCall) => Promise<void> | undefined;
  /** Starts and runs what is no program of the Mac's, such as guardians. */
  readonly beyond?: Runner;
  /** Ends the process, at once; it is only believed to be dead if this returns. */
  readonly die?: () => void;
  /** Told of the state after every call that has changed pf, before anybody else can change it. */
  readonly changed?: (state: MacState) => void;
  /** Lines of `pfctl -s state`; if not said, those that the Mac's state has. */
  readonly connections?: () => string[];
}

/** One that runs programs on the Mac. */
export interface MacProcess extends Runner {
  /** How many calls it has made. */
  readonly calls: number;
  /** Resolves when it has died; none of its calls comes back from then on. */
  readonly died: Promise<void>;
}

export class FakeMac implements Disposable {
  readonly path: string;
  #folder: string | undefined;

  /** @param path of the file; it need not be there yet */
  constructor(path: string) {
    this.path = path;
  }

  /** Right after its boot, in a folder of its own, which goes when this is disposed of. */
  static create(change: (state: MacState) => void = () => {}): FakeMac {
    const folder = mkdtempSync(join(FOLDERS, 'snet-mac-'));
    const mac = new FakeMac(join(folder, 'mac.json'));
    mac.#folder = folder;
    const state = stockMac();
    change(state);
    writeMac(mac.path, state);
    return mac;
  }

  [Symbol.dispose](): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true });
  }

  get state(): MacState {
    return readMac(this.path);
  }

  /** What must be as it was before, when all is undone. */
  held(): unknown {
    return held(this.state);
  }

  /** Somebody else does something to it. */
  change(change: (state: MacState) => void): void {
    changeMac(this.path, change);
  }

  /** What `route -n monitor` prints, from its beginning. */
  get routes(): string {
    return `${this.path}.routes`;
  }

  /** The routing socket has something to say. */
  announce(lines: string): void {
    appendFileSync(this.routes, lines);
  }

  /** A process of its own. */
  process({
    fault = () => undefined,
    hold,
    beyond,
    die,
    changed,
    connections,
  }: ProcessOptions = {}): MacProcess {
    const { promise: died, resolve } = Promise.withResolvers<void>();
    let isDead = false;
    let calls = 0;
    const end = (): Promise<never> => {
      die?.();
      isDead = true;
      resolve();
      return new Promise(() => {});
    };
    const perform = (argv: readonly string[], stdin: string): Finished => {
      const program = programOf(argv)!;
      return changeMac(this.path, (state) => {
        if (connections && argv.join(' ') === 'pfctl -s state') state.pf.states = connections();
        const before = JSON.stringify(state.pf);
        state.seen.calls.push(argv.join(' '));
        const pid = 4_000 + state.seen.calls.length;
        const result = program(state, { argv, stdin, pid, readFile: (path) => readFile(state, path) });
        if (changed && JSON.stringify(state.pf) !== before) changed(state);
        return result;
      });
    };
    return {
      get calls() {
        return calls;
      },
      died,
      run: async (argv, options: RunOptions = {}) => {
        if (isDead) return end();
        if (!programOf(argv)) {
          if (beyond) return beyond.run(argv, options);
          throw new RunError('ERR_RUN_MISSING', `the program ${argv[0]} is not installed`);
        }
        const call = { number: ++calls, argv };
        const what = fault(call);
        // Real programs take a while: what is started side by side is under way side by side.
        await hold?.(call);
        if (isDead || what === 'dies before') return end();
        if (what === 'missing')
          throw new RunError('ERR_RUN_MISSING', `the program ${argv[0]} is not installed`);
        if (what === 'failed') return { code: 1, stdout: '', stderr: `${argv[0]}: no reason\n` };
        const result = perform(argv, options.stdin ?? '');
        if (what === 'dies after') return end();
        if (what === 'timed out')
          throw new RunError('ERR_RUN_TIMEOUT', `${argv[0]} did not end and was killed`);
        return what === 'lost' ? { ...result, code: 137 } : result;
      },
      start: (argv, options: StartOptions = {}): Child => {
        if (isDead) throw new Error('a dead process has started a program');
        if (!beyond) throw new RunError('ERR_RUN_MISSING', `the program ${argv[0]} is not installed`);
        if (argv.join(' ') !== 'route -n monitor') return beyond.start(argv, options);
        writeFileSync(this.routes, '', { flag: 'a' });
        return beyond.start(['tail', '-n', '+1', '-f', this.routes], options);
      },
    };
  }
}

/** Of the Mac, if it has such a file; else of the disk. */
function readFile({ files }: MacState, path: string): string {
  return files[path] ?? readFileSync(path, 'utf8');
}
