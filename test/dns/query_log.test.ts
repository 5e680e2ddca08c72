import { beforeEach, describe, expect, test } from 'bun:test';
import { rename, rm, stat, symlink } from 'node:fs/promises';
import * as fc from 'fast-check';
import { silent, type Log } from '../../src/base/log.ts';
import { openQueryLog, renderQuery, type QueryLine } from '../../src/dns/query_log.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForEach } from '../lab/folder.ts';

const LINE: QueryLine = {
  client: '192.0.2.9',
  transport: 'udp',
  name: 'name.example',
  type: 28,
  side: 'trusted',
  reason: 'fq',
  ms: 12.345,
  rcode: 0,
};

describe('renderQuery', () => {
  const at = new Date('2026-01-31T12:00:00.000Z');

  test.each([
    [{}, 'name=name.example type=AAAA way=trusted reason=fq ms=12.3 rcode=NOERROR'],
    [
      { name: '', type: 2, side: undefined, reason: 'cached' },
      'name=. type=NS way=none reason=cached ms=12.3 rcode=NOERROR',
    ],
    [
      { type: 65_280, rcode: 3 },
      'name=name.example type=TYPE65280 way=trusted reason=fq ms=12.3 rcode=NXDOMAIN',
    ],
    [
      { name: 'a\\010b.example' },
      'name="a\\\\010b.example" type=AAAA way=trusted reason=fq ms=12.3 rcode=NOERROR',
    ],
  ] as [Partial<QueryLine>, string][])('%o', (change, expected) => {
    expect(renderQuery({ ...LINE, ...change }, at)).toBe(
      `2026-01-31T12:00:00.000Z client=192.0.2.9 transport=udp ${expected}`,
    );
  });

  test('is one line of printable characters, whatever is in a name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(renderQuery({ ...LINE, name }, at)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('openQueryLog', () => {
  const folder = folderForEach();
  let path: string;
  let warned: string[];
  const log: Log = {
    ...silent,
    warn: (message, fields) => void warned.push(`${message}: ${String(fields?.['reason'])}`),
  };

  beforeEach(() => {
    path = folder.file('queries.log');
    warned = [];
  });

  const names = async (file = path) =>
    [...(await Bun.file(file).text()).matchAll(/ name=(\S+)/g)].map(([, name]) => name);

  test('appends to a file that only its owner reads', async () => {
    const first = openQueryLog(path, log);
    first.write(LINE);
    first.close();
    const second = openQueryLog(path, log);
    second.write({ ...LINE, name: 'other.example' });
    second.close();
    expect(await names()).toEqual(['name.example', 'other.example']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('writes by itself after a while', async () => {
    const queries = openQueryLog(path, log);
    queries.write(LINE);
    await eventually('the line', async () => (await Bun.file(path).exists()) && (await names()).length === 1);
    queries.close();
  });

  test('goes on in a new file when the old one was moved away', async () => {
    const queries = openQueryLog(path, log);
    queries.write(LINE);
    queries.close();
    await rename(path, `${path}.1`);
    queries.write({ ...LINE, name: 'other.example' });
    queries.close();
    expect([await names(`${path}.1`), await names()]).toEqual([['name.example'], ['other.example']]);
    queries.close();
  });

  test('says once that it can’t be written, and goes on when it can', async () => {
    await symlink('/etc/hostname', path);
    const queries = openQueryLog(path, log);
    for (let i = 0; i < 3; i++) {
      queries.write(LINE);
      queries.close();
    }
    expect(warned).toEqual([expect.stringMatching(/^the query log cannot be written: ELOOP/)]);
    await rm(path);
    queries.write({ ...LINE, name: 'other.example' });
    queries.close();
    expect(await names()).toEqual(['other.example']);
  });

  test('holds no more in memory than some lines', async () => {
    const queries = openQueryLog(path, log);
    for (let i = 0; i < 2_000; i++) queries.write(LINE);
    const written = (await names()).length;
    expect(written).toBeGreaterThan(1_000);
    queries.close();
    expect((await names()).length).toBe(2_000);
  });
});
