/**
 * Asks for a small page through each upstream of a group: those that are up so that there are figures to compare, those
 * that are down to find out when they are back. Nothing is asked while nobody uses the network.
 */
import type { GroupConfig } from '../config/config.ts';
import { targetOf } from '../net/target.ts';
import type { Group, Member } from '../upstream/group/group.ts';
import { single } from '../upstream/single.ts';
import { streamTo } from './upstream_stream.ts';

/** How often it is looked who is due, in milliseconds. */
const TICK = 500;
/** A page that takes longer is none, in milliseconds. */
const PATIENCE = 5_000;
/** Milliseconds to the next, after one that failed (three in a row are needed to be sure), or if there is doubt. */
const PAUSE = 2_000;
/** Milliseconds without a connection after which nobody is there. */
const NOBODY_THERE = 5 * 60_000;

/** What a member's probes have come to. */
interface Standing {
  readonly member: Member;
  /** When it may be probed again, if there is a reason, and when it is without one. */
  earliest: number;
  next: number;
}

export interface Probes {
  /** One was answered lately: the page can be had, and a probe that fails tells something of the upstream. */
  work(): boolean;
  /** The machine may have come to another network: all are probed again as soon as somebody uses it. */
  renew(): void;
  stop(): void;
}

/** Milliseconds that the last answer counts for. */
const LATELY = 10 * 60_000;

/** Probes until it is stopped. */
export function startProbes(
  group: Group,
  { url, interval }: NonNullable<GroupConfig['probe']>,
  now: () => number = () => performance.now(),
): Probes {
  const stopping = new AbortController();
  const standings = group.members.map((member): Standing => ({ member, earliest: 0, next: 0 }));
  const page = new URL(url);
  let lastAnswer = -Infinity;
  const timer = setInterval(() => {
    if (now() - group.lastAsked > NOBODY_THERE) return;
    for (const standing of standings) if (isDue(standing, now())) void probe(standing);
  }, TICK);
  timer.unref();

  async function probe(standing: Standing): Promise<void> {
    const { upstream, health } = standing.member;
    const began = now();
    standing.next = Infinity;
    if (!health.isUp) health.beginTrial(began);
    const outcome = await fetchThrough(standing.member, page, stopping.signal);
    if (stopping.signal.aborted) return;
    standing.earliest = now() + PAUSE;
    standing.next = outcome === 'answered' ? now() + interval : standing.earliest;
    if (outcome === 'answered') {
      lastAnswer = now();
      upstream.report({ kind: 'answered', began, milliseconds: lastAnswer - began });
    }
    // One that could not even be opened has been reported by whoever tried. Of one that carries what others ask for
    // meanwhile, a page that doesn't come says nothing.
    else if (outcome === 'silent' && !((health.lastAnswer ?? -Infinity) > began))
      upstream.report({ kind: 'silent', began, target: undefined });
  }

  return {
    work: () => now() - lastAnswer < LATELY,
    renew() {
      for (const standing of standings) {
        standing.earliest = 0;
        standing.next = Math.min(standing.next, 0);
      }
    },
    stop() {
      stopping.abort();
      clearInterval(timer);
    },
  };
}

function isDue({ member: { health }, earliest, next }: Standing, now: number): boolean {
  if (next === Infinity) return false;
  return health.isUp ? now >= (health.isDoubtful ? earliest : next) : health.isDue(now);
}

/** Whatever the status of the answer: it has come from behind the upstream, or from the upstream itself. */
const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d/;
const STATUS_LINE_LENGTH = 12;

function fetchThrough(
  { upstream }: Member,
  { hostname, host, port, pathname, search }: URL,
  signal: AbortSignal,
): Promise<'answered' | 'silent' | 'unreached'> {
  return new Promise((resolve) => {
    let outcome: 'silent' | 'unreached' = 'unreached';
    let heard = '';
    const end = (how: 'answered' | 'silent' | 'unreached') => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      stream.close();
      resolve(how);
    };
    const giveUp = () => end(outcome);
    const stream = streamTo(
      single(upstream),
      targetOf(hostname.replace(/^\[|\]$/g, ''), Number(port || 80)),
      {
        open() {
          outcome = 'silent';
          const request = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
          stream.write(Buffer.from(request));
        },
        data(bytes) {
          heard += Buffer.from(bytes).toString('latin1').slice(0, STATUS_LINE_LENGTH);
          if (heard.length >= STATUS_LINE_LENGTH) end(STATUS_LINE.test(heard) ? 'answered' : 'silent');
        },
        close: giveUp,
      },
    );
    const timer = setTimeout(giveUp, PATIENCE);
    signal.addEventListener('abort', giveUp);
  });
}
