import { describe, expect, test } from 'bun:test';
import type { Fetched } from '../../src/demo/fetcher.ts';
import {
  allRight,
  judgeBulk,
  judgeRemains,
  judgeVisit,
  renderJson,
  renderTable,
  wayOf,
  type Line,
} from '../../src/demo/report.ts';
import { ORIGIN, SITE_ADDRESS } from '../../src/demo/topology.ts';

const visit = { step: 'elsewhere, IPv4', url: 'http://8.8.8.8/', expected: 'proxy' } as const;

function answered(peer: string, over: Partial<Extract<Fetched, { answered: true }>> = {}): Fetched {
  return { answered: true, url: visit.url, ms: 2, bodyMs: 1, bytes: 20, peer, intact: true, ...over };
}

describe('wayOf()', () => {
  test('tells by whom the origin saw', () => {
    expect(wayOf(SITE_ADDRESS.client.v4)).toBe('direct');
    expect(wayOf(SITE_ADDRESS.client.v6)).toBe('direct');
    expect(wayOf(SITE_ADDRESS.server.v4)).toBe('proxy');
    expect(wayOf(SITE_ADDRESS.server.v6)).toBe('proxy');
    expect(wayOf(ORIGIN.world.v4)).toBeUndefined();
    expect(wayOf('')).toBeUndefined();
  });
});

describe('judgeVisit()', () => {
  test('is right only if the way is the expected one', () => {
    expect(judgeVisit(visit, answered(SITE_ADDRESS.server.v4)).ok).toBe(true);
    expect(judgeVisit(visit, answered(SITE_ADDRESS.client.v4)).ok).toBe(false);
    expect(judgeVisit({ ...visit, expected: 'direct' }, answered(SITE_ADDRESS.client.v4)).ok).toBe(true);
    expect(judgeVisit({ ...visit, expected: 'direct' }, answered(SITE_ADDRESS.server.v4)).ok).toBe(false);
  });

  test('a peer of nobody, a damaged body, a failure and a missing result are wrong, and say so', () => {
    const failed: Fetched = { answered: false, url: visit.url, ms: 3, problem: 'ConnectionRefused' };
    const lines = [
      judgeVisit(visit, answered('127.0.0.1')),
      judgeVisit(visit, answered(SITE_ADDRESS.server.v4, { intact: false })),
      judgeVisit(visit, failed),
      judgeVisit(visit, undefined),
    ];
    expect(lines.map(({ ok }) => ok)).toEqual([false, false, false, false]);
    expect(lines.map(({ found }) => found)).toEqual([
      'astray, seen as 127.0.0.1',
      `proxy, seen as ${SITE_ADDRESS.server.v4}, body damaged`,
      'no answer: ConnectionRefused',
      'not fetched',
    ]);
  });
});

describe('judgeBulk()', () => {
  const size = 64 * 2 ** 20;

  test('shows size and speed', () => {
    const line = judgeBulk(visit, answered(SITE_ADDRESS.server.v4, { bytes: size, bodyMs: 250 }), size);
    expect(line.ok).toBe(true);
    expect(line.found).toBe(`proxy, seen as ${SITE_ADDRESS.server.v4}, 64 MiB, hash equal, 268 MB/s`);
  });

  test('a body that is too short is wrong, whatever its hash', () => {
    const line = judgeBulk(visit, answered(SITE_ADDRESS.server.v4, { bytes: size - 1 }), size);
    expect(line.ok).toBe(false);
  });

  test('the right bytes by the wrong way are wrong', () => {
    expect(judgeBulk(visit, answered(SITE_ADDRESS.client.v4, { bytes: size }), size).ok).toBe(false);
  });
});

describe('the table', () => {
  const right = judgeVisit(visit, answered(SITE_ADDRESS.server.v4));
  const wrong = judgeVisit(visit, answered(SITE_ADDRESS.client.v4));
  const remains = judgeRemains('left behind', 'snet clean', []);

  test('one wrong line makes all wrong, and so does no line', () => {
    expect(allRight([right, remains])).toBe(true);
    expect(allRight([right, wrong, remains])).toBe(false);
    expect(allRight([right, judgeRemains('left behind', 'snet clean', ['table inet snet'])])).toBe(false);
    expect(allRight([])).toBe(false);
  });

  test('has a line for each, aligned', () => {
    const [head, ...rows] = renderTable([right, wrong, remains]).split('\n');
    expect(rows).toHaveLength(3);
    const column = head!.indexOf('EXPECTED');
    expect(rows.map((row) => row.slice(column).split('  ')[0])).toEqual(['proxy', 'proxy', 'nothing']);
    expect(rows.map((row) => row.slice(row.lastIndexOf(' ') + 1))).toEqual(['ok', 'WRONG', 'ok']);
  });

  test('is the same as JSON', () => {
    const lines: Line[] = [right, wrong];
    expect(JSON.parse(renderJson(lines))).toEqual({ ok: false, lines });
  });
});
