/** Notices on macOS that the machine may have come to another network, or woken up. */
import { realClock, type Clock } from '../../base/clock.ts';
import { explain } from '../../base/errors.ts';
import { linesOf } from '../../base/lines.ts';
import type { Log } from '../../base/log.ts';
import type { Child, Runner } from '../../base/runner.ts';
import { createRouteReader } from './route_messages.ts';
import { watchSleep } from './sleep_watch.ts';

export interface NetworkWatchOptions {
  readonly runner: Runner;
  /** Told once things have settled; never twice within {@link QUIET}. */
  readonly changed: (what: string) => void;
  readonly log: Pick<Log, 'warn' | 'debug'>;
  readonly clock?: Clock;
  /** Milliseconds of the time of day. */
  readonly timeOfDay?: () => number;
}

/** Milliseconds without anything new after which things have settled, and after which it is told in any case. */
const QUIET = 1_000;
const LONGEST_UNREST = 5_000;

/** Milliseconds until the program is started again that should never end, each time twice as many. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

export function watchNetwork({
  runner,
  changed,
  log,
  clock = realClock,
  timeOfDay = Date.now,
}: NetworkWatchOptions): { stop(): void } {
  const settled = settling(clock, changed);
  const monitor = watchRoutes(runner, clock, log, settled.note);
  const sleep = watchSleep(settled.note, clock, timeOfDay);
  return {
    stop() {
      monitor.stop();
      sleep.stop();
      settled.stop();
    },
  };
}

/** Many notes become one call: what is noted together, has one cause. */
function settling(clock: Clock, changed: (what: string) => void) {
  const noted = new Set<string>();
  let began = 0;
  let cancel = () => {};
  const tell = () => {
    const what = [...noted].join(', ');
    noted.clear();
    changed(what);
  };
  return {
    note: (what: string): void => {
      if (noted.size === 0) began = clock.now();
      noted.add(what);
      cancel();
      cancel = clock.after(Math.max(0, Math.min(QUIET, began + LONGEST_UNREST - clock.now())), tell);
    },
    stop: () => cancel(),
  };
}

/** By route(8). If we are killed, it ends with the next message that it has for us. */
function watchRoutes(
  runner: Runner,
  clock: Clock,
  log: NetworkWatchOptions['log'],
  note: (what: string) => void,
) {
  let child: Child | undefined;
  let isStopped = false;
  let cancel = () => {};
  let pause = FIRST_PAUSE;
  let hasWarned = false;

  function begin(): void {
    const began = clock.now();
    try {
      child = runner.start(['route', '-n', 'monitor'], { detached: true });
    } catch (error) {
      return again(began, explain(error));
    }
    void follow(child).then((reason) => again(began, reason));
  }

  /** @returns why it has ended */
  async function follow(one: Child): Promise<string> {
    const read = createRouteReader();
    const complaint = new Response(one.stderr).text();
    for await (const line of linesOf(one.stdout)) {
      const what = isStopped ? undefined : read(line);
      if (what !== undefined) note(what);
    }
    // Who has nothing more to say has no more to do.
    one.kill('SIGTERM');
    const [code, text] = await Promise.all([one.exited, complaint]);
    return text.trim() || `exit code ${code}`;
  }

  function again(began: number, reason: string): void {
    if (isStopped) return;
    if (clock.now() - began >= LONGEST_PAUSE) {
      pause = FIRST_PAUSE;
      hasWarned = false;
    }
    const fields = { program: 'route -n monitor', reason, again: `in ${pause / 1000} s` };
    if (hasWarned) log.debug('changes of the network are not noticed at the moment', fields);
    else log.warn('changes of the network are not noticed at the moment', fields);
    hasWarned = true;
    cancel = clock.after(pause, begin);
    pause = Math.min(LONGEST_PAUSE, 2 * pause);
  }

  begin();
  return {
    stop() {
      isStopped = true;
      cancel();
      child?.kill('SIGTERM');
    },
  };
}
