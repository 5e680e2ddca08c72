/** `snet update` against a server of lists on loopback, whose certificate an authority of the test has signed. */
import { beforeEach, expect, test } from 'bun:test';
import { readdirSync, rmSync, statSync, writeFileSync, existsSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { UpdateReport } from '../../src/app/update.ts';
import type { ListReport } from '../../src/app/update/list.ts';
import { LARGEST_LIST } from '../../src/dns/lists/read.ts';
import { cachedList } from '../../src/dns/lists/cached.ts';
import { loadLists } from '../../src/dns/lists/load.ts';
import { builtinCnRanges, loadCnRanges } from '../../src/route/cn_ranges.ts';
import { folderForEach } from '../lab/folder.ts';
import { describeNeeding } from '../needs.ts';
import { recordsOf, statistics } from '../route/delegated.ts';
import type { Task } from './update/in_child.ts';
import { publisherForAll } from './update/publisher.ts';

const CHILD = new URL('update/in_child.ts', import.meta.url).pathname;

describeNeeding(['openssl'], 'update', () => {
  const publisher = publisherForAll();
  const { published, publish, serve } = publisher;
  const inChild = (task: Task, env?: Record<string, string>) => publisher.inChild(CHILD, task, env);
  const folder = folderForEach();
  let stateDirectory: string;
  let base: string;
  beforeEach(() => {
    stateDirectory = folder.file('state');
    ({ base } = publisher);
  });

  interface Wanted {
    readonly china?: readonly string[];
    readonly block?: readonly string[];
    readonly force?: boolean;
    readonly rangesUrls?: readonly string[];
    readonly env?: Record<string, string>;
  }

  async function update(wanted: Wanted): Promise<UpdateReport> {
    const { china = [], block = [], force = false, rangesUrls = [], env } = wanted;
    const lists = { china, foreign: [], block };
    return (await inChild({ update: { stateDirectory, lists, force, rangesUrls } }, env)) as UpdateReport;
  }

  async function updateList(text: string, force = false): Promise<ListReport> {
    publish('/list', text);
    return (await update({ china: [`${base}/list`], force })).lists[0]!;
  }

  const names = (count: number) => Array.from({ length: count }, (_, i) => `site${i}.example`).join('\n');
  const load = async (url: string) =>
    (await loadLists({ china: [url], foreign: [], block: [] }, stateDirectory)).china.names;

  test('a list is fetched, kept for root alone, and loaded from there', async () => {
    const url = `${base}/list`;
    publish('/list', `${names(10)}\nbad line\n`);
    const { lists, directory } = await update({ china: [url], block: [url, '/etc/own.txt'] });
    expect(directory).toBe(stateDirectory);
    expect(lists as unknown).toEqual([
      {
        url,
        uses: ['china', 'block'],
        outcome: 'updated',
        names: 10,
        badLines: 1,
        shown: [{ line: 11, text: 'bad line', why: 'more than a name' }],
      },
    ]);
    const path = cachedList(stateDirectory, url);
    const mode = (of: string) => statSync(of).mode & 0o777;
    expect([mode(stateDirectory), mode(join(path, '..')), mode(path)]).toEqual([0o700, 0o700, 0o600]);
    expect((await load(url)).has('www.site9.example')).toBe(true);
    // Nothing half-written is left.
    expect(readdirSync(join(path, '..'))).toHaveLength(2);
  });

  test('asks only for what has changed', async () => {
    const conditions: (string | null)[] = [];
    published.set('/list', (request) => {
      conditions.push(request.headers.get('if-none-match'), request.headers.get('if-modified-since'));
      const headers = { etag: '"v1"', 'last-modified': 'Tue, 17 Nov 2026 00:00:00 GMT' };
      const isKnown = request.headers.get('if-none-match') === '"v1"';
      return isKnown ? new Response(null, { status: 304, headers }) : new Response(names(10), { headers });
    });
    const china = [`${base}/list`];
    expect((await update({ china })).lists[0]?.outcome).toBe('updated');
    expect((await update({ china })).lists[0]).toMatchObject({ outcome: 'unchanged', names: 10, before: 10 });
    expect(conditions).toEqual([null, null, '"v1"', 'Tue, 17 Nov 2026 00:00:00 GMT']);
    // What was lost is fetched again, whatever is remembered of it.
    rmSync(cachedList(stateDirectory, china[0]!));
    expect((await update({ china })).lists[0]?.outcome).toBe('updated');
    expect(conditions.slice(4)).toEqual([null, null]);
  });

  test('the same again is no change', async () => {
    await updateList(names(10));
    expect(await updateList(names(10))).toMatchObject({ outcome: 'unchanged', names: 10 });
    expect(await updateList(names(11))).toMatchObject({ outcome: 'updated', names: 11, before: 10 });
  });

  test('an error page does not stand in for a list', async () => {
    await updateList(names(10));
    const page = '<!DOCTYPE html>\n<title>Down for maintenance</title>\n';
    expect(await updateList(page)).toMatchObject({
      outcome: 'failed',
      status: 'ERR_UPDATE_NO_LIST',
      names: 10,
      problem: `${base}/list is no domain list: 0 names, 2 other lines; line 1 is "<!DOCTYPE html>"`,
    });
    expect((await updateList('')).status).toBe('ERR_UPDATE_NO_LIST');
    expect((await load(`${base}/list`)).size).toBe(10);
  });

  test('a list that has lost more than half is taken only by force', async () => {
    await updateList(names(10));
    expect(await updateList(names(5))).toMatchObject({ outcome: 'updated', names: 5 });
    expect(await updateList(names(2))).toMatchObject({
      outcome: 'failed',
      status: 'ERR_UPDATE_IMPLAUSIBLE',
      names: 5,
    });
    expect((await load(`${base}/list`)).size).toBe(5);
    expect(await updateList(names(2), true)).toMatchObject({ outcome: 'updated', names: 2, before: 5 });
  });

  test('one that fails does not keep the others from being fetched', async () => {
    publish('/list', names(3));
    const { lists } = await update({ china: [`${base}/none`, 'http://127.0.0.1/list', `${base}/list`] });
    expect(lists.map(({ outcome, status }) => status ?? outcome)).toEqual([
      'ERR_UPDATE_HTTP',
      'ERR_UPDATE_URL',
      'updated',
    ]);
  });

  test('redirections are followed, but not away from https, and not for ever', async () => {
    const redirect = (path: string, location: string) =>
      publish(path, '', { status: 302, headers: { location } });
    publish('/list', names(3));
    redirect('/moved', '/list');
    redirect('/plain', 'http://127.0.0.1:1/list');
    redirect('/loop', '/loop');
    const { lists } = await update({ china: [`${base}/moved`, `${base}/plain`, `${base}/loop`] });
    expect(lists.map(({ outcome, status }) => status ?? outcome)).toEqual([
      'updated',
      'ERR_UPDATE_URL',
      'ERR_UPDATE_HTTP',
    ]);
  });

  test('what is compressed is read, and bounded by what it unpacks to', async () => {
    const headers = { 'content-encoding': 'gzip' };
    publish('/list', gzipSync(names(100)), { headers });
    publish('/bomb', gzipSync(Buffer.alloc(LARGEST_LIST + 1, 'a.example\n')), { headers });
    const { lists } = await update({ china: [`${base}/list`, `${base}/bomb`] });
    expect(lists[0]).toMatchObject({ outcome: 'updated', names: 100 });
    expect(lists[1]?.status).toBe('ERR_UPDATE_TOO_LARGE');
  });

  test.each(['expired', 'otherName', 'selfSigned'] as const)('a certificate that is %s is refused', async (kind) => {
    publish('/list', names(3));
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const { lists } = await update({ china: [`${serve(kind)}/list`], env });
    expect(lists[0]).toMatchObject({
      outcome: 'failed',
      status: 'ERR_UPDATE_UNREACHABLE',
      problem: expect.stringMatching(/certificate|altname/i),
    });
  }); // prettier-ignore

  test.each([
    ['idle', { size: 1000, idle: 100, total: 60_000 }],
    ['total', { size: 1000, idle: 60_000, total: 100 }],
  ])('a server that falls silent is given up: %s', async (_, limits) => {
    const silent = (): Response =>
      new Response(new ReadableStream({ start: (to) => to.enqueue('a.example\n') }));
    published.set('/silent', silent);
    expect(await inChild({ download: `${base}/silent`, limits })).toEqual({ thrown: 'ERR_UPDATE_TIMEOUT' });
  });

  test('a state directory that others may write to is not used', async () => {
    await updateList(names(3));
    chmodSync(stateDirectory, 0o777);
    expect((await update({})) as unknown).toEqual({ thrown: 'ERR_UPDATE_DIRECTORY' });
  });

  test('nor is a file in its place', async () => {
    writeFileSync(stateDirectory, '');
    expect((await update({})) as unknown).toEqual({ thrown: 'ERR_UPDATE_DIRECTORY' });
  });

  // Yesterday: never older than what is built in, never to come.
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const serial = yesterday.replaceAll('-', '');
  const builtin = builtinCnRanges();
  const records = recordsOf(builtin.ranges);

  test('newer address ranges are taken, from the first server that has them whole', async () => {
    const whole = statistics({ serial, records });
    publish('/cut', whole.slice(0, whole.lastIndexOf('\n', whole.length / 2)));
    publish('/whole', whole);
    const rangesUrls = [`${base}/none`, `${base}/cut`, `${base}/whole`];
    const { ranges } = await update({ rangesUrls });
    expect(ranges).toMatchObject({ outcome: 'updated', date: yesterday, before: builtin.date, url: `${base}/whole` });
    expect(ranges.problems).toEqual([
      `${base}/none: the server answers with 404`,
      expect.stringMatching(/\/cut: it announces \d+ records/),
    ]);
    const { ranges: loaded, ...rest } = loadCnRanges(stateDirectory);
    expect(rest).toEqual({ date: yesterday, origin: 'updated', problem: undefined });
    expect(loaded).toEqual(builtin.ranges);
    expect((await update({ rangesUrls })).ranges).toMatchObject({ outcome: 'unchanged', date: yesterday });
  }); // prettier-ignore

  test.each([
    ['older than what is built in', () => statistics({ serial: '20200101', records }), 'unchanged', undefined],
    ['of a day to come', () => statistics({ serial: '29990101', records }), 'failed', 'ERR_UPDATE_IMPLAUSIBLE'],
    ['a tenth', () => statistics({ serial, records: records.filter((_, i) => i % 10 === 0) }), 'failed', 'ERR_UPDATE_IMPLAUSIBLE'],
    ['an error page', () => '<html>', 'failed', 'ERR_APNIC'],
  ])('address ranges that are not: %s', async (_, make, outcome, status) => {
    publish('/apnic', make());
    const { ranges } = await update({ rangesUrls: [`${base}/apnic`] });
    expect(ranges).toMatchObject({ outcome, date: builtin.date, ...(status && { status }) });
    expect(existsSync(join(stateDirectory, 'cn_ranges.bin'))).toBe(false);
    expect(loadCnRanges(stateDirectory)).toMatchObject({ origin: 'built in', problem: undefined });
  }); // prettier-ignore
});
