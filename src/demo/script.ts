/** What the demo shows, in order, whoever plays it. */
import { randomBytes } from 'node:crypto';
import { formatHostPort, type Host } from '../net/address.ts';
import type { Cast } from './cast.ts';
import type { Fetched } from './fetcher.ts';
import { BULK_BYTES, BULK_PATH, ORIGIN_PORT } from './origin.ts';
import { judgeBulk, judgeRemains, judgeVisit, type Line, type Visit } from './report.ts';
import { ORIGIN } from './topology.ts';

const VISITS: readonly Visit[] = [
  { step: 'in China, IPv4', url: urlOf(ORIGIN.china.v4), expected: 'direct' },
  { step: 'elsewhere, IPv4', url: urlOf(ORIGIN.world.v4), expected: 'proxy' },
  { step: 'in China, IPv6', url: urlOf(ORIGIN.china.v6), expected: 'direct' },
  { step: 'elsewhere, IPv6', url: urlOf(ORIGIN.world.v6), expected: 'proxy' },
];
const BULK: Visit = { step: 'a large file', url: urlOf(ORIGIN.world.v4, BULK_PATH), expected: 'proxy' };
const AFTER_KILL: readonly Visit[] = [
  { step: 'proxy killed, IPv4', url: urlOf(ORIGIN.world.v4), expected: 'direct' },
  { step: 'proxy killed, IPv6', url: urlOf(ORIGIN.world.v6), expected: 'direct' },
];

/**
 * Plays it once, on a stage that is built.
 * @param say takes a line for people, before each step
 * @param recovery milliseconds within which nobody may notice any more that the proxy was killed
 * @throws DemoError if an actor fails; a line that is wrong is a result like any other
 */
export async function play(cast: Cast, say: (line: string) => void, recovery = 1_000): Promise<Line[]> {
  const password = randomBytes(16).toString('hex');
  say('starting an Internet and a Shadowsocks server in them');
  await Promise.all([cast.origin(), cast.server(password)]);
  say('starting snet run ss://…');
  const proxy = await cast.proxy(password);

  say('fetching, by a program that knows of no proxy');
  const fetched = await cast.fetch([...VISITS, BULK].map(({ url }) => url));

  say('killing snet with SIGKILL, and fetching again');
  await proxy.kill();
  const later = await fetchWithin(recovery, cast, AFTER_KILL);

  return [
    ...VISITS.map((visit, i) => judgeVisit(visit, fetched[i])),
    judgeBulk(BULK, fetched[VISITS.length], BULK_BYTES),
    ...AFTER_KILL.map((visit, i) => judgeVisit(visit, later[i])),
    judgeRemains('left in the kernel', 'snet clean', await cast.clean()),
  ];
}

/** Fetches until all are answered, or the time is over. @returns the last results */
async function fetchWithin(milliseconds: number, cast: Cast, visits: readonly Visit[]): Promise<Fetched[]> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const fetched = await cast.fetch(visits.map(({ url }) => url));
    if (performance.now() >= deadline || fetched.every(({ answered }) => answered)) return fetched;
  }
}

function urlOf(host: Host, path = '/'): string {
  return new URL(path, `http://${formatHostPort(host, ORIGIN_PORT)}`).href;
}
