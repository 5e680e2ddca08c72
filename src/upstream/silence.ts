/**
 * A Shadowsocks server that doesn't believe the password says nothing, on purpose, and holds the connection open; one
 * whose target is dead does the same. No single flow tells which: different targets, one after the other, do.
 */
import type { Upstream } from './upstream.ts';

/** Targets in a row without a byte back, before it is said: any one or two of them may be dead. */
const SUSPICIOUS_TARGETS = 3;
/** Of an upstream through which nothing ever came, so many flows will do, whatever their targets. */
const SUSPICIOUS_FLOWS = 10;
/** And nothing came back for so long, in milliseconds: of a swarm's peers, most are dead. */
const QUIET = 10_000;

/** What was given no byte back, in a row. */
export interface Silence {
  readonly flows: number;
}

/**
 * @param say is called when it is time to say so: at the first suspicion, at ten times as many flows, and so on
 * @param now milliseconds of `performance.now`
 */
export function watchSilence(
  upstream: Upstream,
  say: (upstream: Upstream, silence: Silence) => void,
  now: () => number = () => performance.now(),
): Upstream {
  let flows = 0;
  let next = 0;
  /** No more of them than are needed. A probe's is one of its own each time. */
  const targets = new Set<unknown>();
  let lastAnswer: number | undefined;

  function isSuspicious(): boolean {
    if (lastAnswer === undefined && flows >= SUSPICIOUS_FLOWS) return true;
    return targets.size >= SUSPICIOUS_TARGETS && now() - (lastAnswer ?? -Infinity) >= QUIET;
  }

  return {
    ...upstream,
    report(result) {
      upstream.report(result);
      if (result.kind === 'answered') {
        flows = 0;
        next = 0;
        targets.clear();
        lastAnswer = now();
      } else if (result.kind === 'silent') {
        flows++;
        if (targets.size < SUSPICIOUS_TARGETS) targets.add(result.target ?? Symbol());
        if (flows < next || !isSuspicious()) return;
        next = flows * 10;
        say(upstream, { flows });
      }
    },
  };
}
