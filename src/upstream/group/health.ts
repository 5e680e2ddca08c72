/**
 * What is known of one upstream of a group, by what its connections and its probes came to. Pure: the time is told.
 *
 *     up ──2 failures in a row, or silence of 3 targets──▶ down ──due──▶ a trial ──fails──▶ down, for twice as long
 *      ▲                                                                   │
 *      └──────────────────── answered, 2 times ────────────────────────────┘
 */
import type { FlowStatus } from '../../net/flow_status.ts';
import type { Result } from '../upstream.ts';

export type FailureReason = FlowStatus | 'ERR_UPSTREAM_SILENT';

export interface Health {
  readonly isUp: boolean;
  /** Milliseconds until it is connected, a moving average, and undefined if it never was. */
  readonly connecting: number | undefined;
  /** Milliseconds until a tunnel is open, a moving average. undefined: none was yet. */
  readonly opening: number | undefined;
  /** Milliseconds until a probe is answered, likewise: the only one that says the same of every protocol. */
  readonly probing: number | undefined;
  /** The better known of the two. */
  readonly latency: number | undefined;
  /** Share of attempts that failed, 0 to 1, a moving average. */
  readonly failureRate: number;
  /** What failed last; undefined: nothing did. */
  readonly lastFailure: FailureReason | undefined;
  /** Of a chain: at which server, if that is known. */
  readonly lastHop: string | undefined;
  /** When it last came up or went down, or was first known. */
  readonly since: number;
  /** When something last came back through it. */
  readonly lastAnswer: number | undefined;
  /** Of what was asked through it since then, something was not answered. */
  readonly isDoubtful: boolean;
  /**
   * @param alone no other of the group is up: one answer is enough then, and targets that are silent are no reason to go
   *   down, since nobody could do better
   * @returns whether it came up, or went down, by this
   */
  note(result: Result, now: number, alone?: boolean): boolean;
  /** It is down, and time to try it again. Whoever does says so by {@link beginTrial}. */
  isDue(now: number, alone?: boolean): boolean;
  beginTrial(now: number): void;
  /**
   * The machine may have come to another network: what was under way says nothing of this one. One that is down is due at
   * once, as if it had gone down for the first time.
   */
  renew(now: number): void;
}

/** The weight of the latest of all: some ten of them tell. */
const WEIGHT = 0.2;
const FAILURES_TO_GO_DOWN = 2;
/** Of as many targets: any one of them may be what is silent. */
const SILENCES_TO_GO_DOWN = 3;
/** And nothing answered for so long, in milliseconds: of a swarm's peers, most are dead. */
const QUIET = 10_000;
/** One may be luck: flows are given to it again only after the second. */
const ANSWERS_TO_COME_UP = 2;
/** Milliseconds from going down to the first trial, and at most between two. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** One that goes down again within this time, in milliseconds, was never well: its pauses go on growing. */
const RELAPSE = 60_000;

const longer = (pause: number) => Math.min(LONGEST_PAUSE, 2 * pause);

export function createHealth(began: number): Health {
  let isUp = true;
  let connecting: number | undefined;
  let opening: number | undefined;
  let probing: number | undefined;
  let failureRate = 0;
  let lastFailure: FailureReason | undefined;
  let lastHop: string | undefined;
  let since = began;
  let lastAnswer: number | undefined;
  let failures = 0;
  let answers = 0;
  let hasBeenDown = false;
  let pause = FIRST_PAUSE;
  /** The next, if the trial under way fails. */
  let longerPause = FIRST_PAUSE;
  /** When it went down, or was last tried. */
  let tried = 0;
  let isOnTrial = false;
  /** Nothing counts that was begun earlier. */
  let renewed = -Infinity;
  /** Targets in a row; a probe's is one of its own each time. */
  const silent = new Set<unknown>();

  const average = (before: number | undefined, value: number) =>
    before === undefined ? value : before + WEIGHT * (value - before);

  function answered(now: number, alone: boolean): boolean {
    lastAnswer = now;
    silent.clear();
    if (isUp) return false;
    if (++answers < ANSWERS_TO_COME_UP && !alone) {
      // The next trial need not wait.
      tried = -Infinity;
      return false;
    }
    isUp = true;
    isOnTrial = false;
    failures = 0;
    since = now;
    return true;
  }

  function failed(reason: FailureReason, isEnough: boolean, now: number): boolean {
    lastFailure = reason;
    failureRate = average(failureRate, 1);
    if (!isUp) {
      if (isOnTrial) rest(longerPause, now);
      return false;
    }
    if (!isEnough) return false;
    const isRelapse = hasBeenDown && now - since < RELAPSE;
    rest(isRelapse ? longer(pause) : FIRST_PAUSE, now);
    isUp = false;
    hasBeenDown = true;
    since = now;
    return true;
  }

  function isSilent(now: number): boolean {
    return silent.size >= SILENCES_TO_GO_DOWN && now - Math.max(since, lastAnswer ?? 0) >= QUIET;
  }

  function rest(milliseconds: number, now: number): void {
    pause = milliseconds;
    tried = now;
    answers = 0;
    isOnTrial = false;
    silent.clear();
  }

  return {
    get isUp() {
      return isUp;
    },
    get connecting() {
      return connecting;
    },
    get opening() {
      return opening;
    },
    get probing() {
      return probing;
    },
    get latency() {
      return probing ?? opening;
    },
    get failureRate() {
      return failureRate;
    },
    get lastFailure() {
      return lastFailure;
    },
    get lastHop() {
      return lastHop;
    },
    get since() {
      return since;
    },
    get lastAnswer() {
      return lastAnswer;
    },
    get isDoubtful() {
      return silent.size > 0;
    },
    note(result, now, alone = false) {
      // Of another time: what was under way when it went down would bring it back, and down again.
      if (result.began < Math.max(since, renewed)) return false;
      switch (result.kind) {
        case 'failed':
          if (!result.isLast) return false;
          lastHop = result.hop;
          return failed(result.status, ++failures >= FAILURES_TO_GO_DOWN, now);
        case 'silent':
          if (alone && isUp && result.target !== undefined) return false;
          lastHop = result.hop;
          if (silent.size < SILENCES_TO_GO_DOWN) silent.add(result.target ?? Symbol());
          return failed('ERR_UPSTREAM_SILENT', isSilent(now), now);
        case 'answered':
          if (result.milliseconds !== undefined) probing = average(probing, result.milliseconds);
          return answered(now, alone);
        default:
          failures = 0;
          failureRate = average(failureRate, 0);
          connecting = average(connecting, result.connecting);
          opening = average(opening, result.milliseconds);
          return false;
      }
    },
    isDue(now, alone = false) {
      // A trial that nothing is ever heard of is followed by another.
      const wait = isOnTrial ? Math.max(pause, 2 * FIRST_PAUSE) : pause;
      return !isUp && now - tried >= (alone ? FIRST_PAUSE : wait);
    },
    beginTrial(now) {
      isOnTrial = true;
      // One that came early, because all others were down as well, says nothing of how long this will last.
      longerPause = now - tried >= pause ? longer(pause) : pause;
      tried = now;
    },
    renew(now) {
      renewed = now;
      failures = 0;
      hasBeenDown = !isUp;
      rest(FIRST_PAUSE, -Infinity);
    },
  };
}
