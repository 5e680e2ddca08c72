/** The resolvers of both sides, in the world of the lab: where they are, and a configuration that asks them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ABROAD, CHINA, FAR, type Internet, type Pair } from './internet.ts';
import { shareLink } from './upstream.ts';

/** Well-known ones, whose addresses are where theirs are. */
export const CHINA_RESOLVER: Pair = { v4: '119.29.29.29', v6: '2402:4e00::' };
export const TRUSTED: Pair = { v4: '8.8.8.8', v6: '2001:4860:4860::8888' };
/** A second one of the trusted side. */
export const TRUSTED_TOO: Pair = { v4: '1.1.1.1', v6: '2606:4700:4700::1111' };
/** Nobody listens there, and nothing comes that far: what is asked of it is answered by us, or by nobody. */
export const ANYBODY: Pair = { v4: '9.9.9.9', v6: '2620:fe::fe' };

/** What the trusted side says of a name that China has addresses of, too. */
export const ELSEWHERE = '185.15.58.224';

/**
 * The zones of the tests, each a kind of name, and what either side says of them:
 *
 *   shop.cn        known to be Chinese
 *   news.example   known to be foreign, by the configuration below; China lies
 *   near.example   unknown, Chinese
 *   far.example    unknown, foreign; China lies
 */
export const CHINA_ZONES = {
  'shop.cn': [CHINA.v4, CHINA.v6],
  'near.example': [CHINA.v4, CHINA.v6],
  'news.example': ['31.13.94.37', '2a03:2880:f12d:83:face:b00c:0:25de'],
  'far.example': ['31.13.94.37', '2a03:2880:f12d:83:face:b00c:0:25de'],
};
export const TRUSTED_ZONES = {
  'shop.cn': [ELSEWHERE],
  'near.example': [ELSEWHERE],
  'news.example': [ABROAD.v4, ABROAD.v6],
  'far.example': [ABROAD.v4, ABROAD.v6],
};

/** Gives the world the resolvers' addresses. */
export async function placeResolvers({ world }: Internet): Promise<void> {
  const lines = [CHINA_RESOLVER, TRUSTED, TRUSTED_TOO].flatMap(({ v4, v6 }) => [
    `addr add ${v4}/32 dev lo`,
    `addr add ${v6}/128 dev lo nodad`,
  ]);
  await world.batch(lines);
}

let serial = 0;

/**
 * Writes a configuration whose resolvers are these, into `directory`. What it keeps has a folder of its own there, so that
 * no other start knows of it.
 * @param dns keys of its `dns` in the place of these
 * @param keys of the rest
 * @returns its path
 */
export async function configure(directory: string, dns: object = {}, keys: object = {}): Promise<string> {
  const file = join(directory, 'snet.json');
  const sides = { china: [CHINA_RESOLVER.v4], trusted: [`tcp://${TRUSTED.v4}`] };
  const names = { foreign: ['*.news.example'] };
  const cache = { directory: join(directory, `state-${serial++}`) };
  const all = { upstream: shareLink(FAR.v4), dns: { ...sides, names, cache, ...dns }, ...keys };
  await writeFile(file, JSON.stringify(all), { mode: 0o600 });
  return file;
}
