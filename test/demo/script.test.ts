/** The demo played by actors of paper: what the table says when the proxy does not do its work. */
import { describe, expect, test } from 'bun:test';
import type { Cast } from '../../src/demo/cast.ts';
import type { Fetched } from '../../src/demo/fetcher.ts';
import { BULK_BYTES, BULK_PATH } from '../../src/demo/origin.ts';
import { allRight, type Way } from '../../src/demo/report.ts';
import { play } from '../../src/demo/script.ts';
import { ORIGIN, SITE_ADDRESS } from '../../src/demo/topology.ts';

interface Behaviour {
  /** The way that a proxy at work sends a destination. */
  readonly working?: (host: string) => Way;
  /** The same after it was killed; undefined: there is no answer. */
  readonly killed?: (host: string) => Way | undefined;
  readonly bulkBytes?: number;
  readonly remains?: readonly string[];
}

const byCountry = (host: string): Way =>
  [ORIGIN.china.v4, `[${ORIGIN.china.v6}]`].includes(host) ? 'direct' : 'proxy';

function paperCast({
  working = byCountry,
  killed = () => 'direct',
  bulkBytes = BULK_BYTES,
  remains = [],
}: Behaviour) {
  const acts: string[] = [];
  let alive = false;
  const fetchOne = (text: string): Fetched => {
    const url = new URL(text);
    const way = (alive ? working : killed)(url.hostname);
    if (way === undefined) return { answered: false, url: text, ms: 1, problem: 'ECONNREFUSED' };
    const { v4, v6 } = SITE_ADDRESS[way === 'direct' ? 'client' : 'server'];
    const peer = url.hostname.startsWith('[') ? v6 : v4;
    const bytes = url.pathname === BULK_PATH ? bulkBytes : 20;
    return { answered: true, url: text, ms: 2, bodyMs: 1, bytes, peer, intact: true };
  };
  const act = (name: string) => async () => void acts.push(name);
  const cast: Cast = {
    origin: act('origin'),
    server: act('server'),
    async proxy() {
      alive = true;
      acts.push('proxy');
      return {
        async kill() {
          alive = false;
          acts.push('kill');
        },
      };
    },
    async fetch(urls) {
      acts.push('fetch');
      return urls.map(fetchOne);
    },
    async clean() {
      acts.push('clean');
      return [...remains];
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return { cast, acts };
}

async function wrongSteps(behaviour: Behaviour): Promise<string[]> {
  const lines = await play(paperCast(behaviour).cast, () => {}, 0);
  const wrong = lines.filter(({ ok }) => !ok).map(({ step }) => step);
  expect(allRight(lines)).toBe(wrong.length === 0);
  return wrong;
}

describe('play()', () => {
  test('all is right when all goes as it should, in this order', async () => {
    const { cast, acts } = paperCast({});
    expect(allRight(await play(cast, () => {}))).toBe(true);
    expect(acts).toEqual(['origin', 'server', 'proxy', 'fetch', 'kill', 'fetch', 'clean']);
  });

  test('a proxy that redirects nothing is found out', async () => {
    expect(await wrongSteps({ working: () => 'direct' })).toEqual([
      'elsewhere, IPv4',
      'elsewhere, IPv6',
      'a large file',
    ]);
  });

  test('one that redirects China too', async () => {
    expect(await wrongSteps({ working: () => 'proxy' })).toEqual(['in China, IPv4', 'in China, IPv6']);
  });

  test('one that forgets IPv6', async () => {
    expect(
      await wrongSteps({ working: (host) => (host.startsWith('[') ? 'direct' : byCountry(host)) }),
    ).toEqual(['elsewhere, IPv6']);
  });

  test('one that cuts a large file short', async () => {
    expect(await wrongSteps({ bulkBytes: BULK_BYTES - 1 })).toEqual(['a large file']);
  });

  test('one whose rules outlive it', async () => {
    expect(await wrongSteps({ killed: () => undefined, remains: ['table inet snet'] })).toEqual([
      'proxy killed, IPv4',
      'proxy killed, IPv6',
      'left in the kernel',
    ]);
  });
});
