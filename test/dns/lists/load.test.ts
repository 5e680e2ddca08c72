import { describe, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BUILTIN_CHINA } from '../../../src/dns/lists/builtin_china.ts';
import { BUILTIN_FOREIGN } from '../../../src/dns/lists/builtin_foreign.ts';
import { cachedList } from '../../../src/dns/lists/cached.ts';
import { findIn, rankIn } from '../../../src/dns/lists/domain_list.ts';
import { builtinLists, loadLists } from '../../../src/dns/lists/load.ts';
import { normalName } from '../../../src/dns/lists/name.ts';
import { folderForAll } from '../../lab/folder.ts';

const folder = folderForAll();

let serial = 0;

function file(text: string | Uint8Array): string {
  const path = folder.file(`${serial++}.txt`);
  writeFileSync(path, text);
  return path;
}

const NONE = { china: [], foreign: [], block: [] };

test('files become sets; a bare name means more in a list of sites than in a block list', async () => {
  const china = file('example.cn\n');
  const ads = file('ads.example\n');
  const more = file('0.0.0.0 ads.example more.example\n');
  const lists = await loadLists({ china: [china], foreign: [], block: [ads, more] }, folder.path);
  expect(lists.warnings).toEqual([]);
  expect(lists.china.names.find('www.example.cn')).toEqual({ entry: '*.example.cn', source: 0 });
  expect(lists.block.names.has('www.ads.example')).toBe(false);
  const found = findIn(lists.block, 'more.example')!;
  expect(lists.block.locations[found.source]).toBe(more);
  // The first list that has it is named.
  expect(findIn(lists.block, 'ads.example')).toEqual({ entry: 'ads.example', source: 0 });
});

test('an exception takes a name out of all lists of its kind', async () => {
  const block = [file('||example.com^\n||good.example.com^\n'), file('@@||good.example.com^\n')];
  const { block: list } = await loadLists({ ...NONE, block }, folder.path);
  expect(['example.com', 'good.example.com', 'x.good.example.com'].map((name) => rankIn(list, name) > 0)).toEqual(
    [true, false, false],
  );
  expect(findIn(list, 'good.example.com')).toBeUndefined();
  expect(findIn(list, 'example.com')?.entry).toBe('*.example.com');
}); // prettier-ignore

describe('what is wrong with a list is told, and the rest is used', () => {
  test.each([
    ['missing', () => folder.file('none'), 'no such list file, not used'],
    ['not fetched', () => 'https://lists.example/a.txt', 'not fetched yet, not used: run snet update'],
    ['a directory', () => folder.path, "the list can't be read, not used"],
    ['a device', () => '/dev/zero', "the list can't be read, not used: it is no regular file"],
    ['empty', () => file('# nothing\n'), 'no name in it'],
    ['bad lines', () => file('a b\n'), ':1: more than a name, left out: "a b"'],
    ['not text', () => file(Uint8Array.of(0xff, 0xfe, 0x0a, 0x61)), ':1: not a domain name, left out:'],
  ])('%s', async (_, make, message) => {
    const location = make();
    const good = file('good.example');
    const { warnings, foreign } = await loadLists({ ...NONE, foreign: [location, good] }, folder.path);
    expect(warnings[0]).toStartWith(location);
    expect(warnings[0]).toContain(message);
    expect(foreign.names.has('good.example')).toBe(true);
  });

  test('a hundred bad lines are not a hundred warnings', async () => {
    const location = file(`${'bad line\n'.repeat(100)}good.example`);
    const { warnings } = await loadLists({ ...NONE, foreign: [location] }, folder.path);
    expect(warnings).toHaveLength(6);
    expect(warnings.at(-1)).toBe(`${location}: 95 more such lines`);
  });
});

test('a URL is read from where update has put it', async () => {
  const url = 'https://lists.example/a.txt';
  const path = cachedList(folder.path, url);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'fetched.example');
  const { foreign, warnings } = await loadLists({ ...NONE, foreign: [url] }, folder.path);
  expect({ found: foreign.names.has('www.fetched.example'), warnings }).toEqual({
    found: true,
    warnings: [],
  });
  expect(cachedList(folder.path, `${url}?`)).not.toBe(path);
});

test('other work goes on while a large list is read', async () => {
  const names = Array.from({ length: 140_000 }, (_, i) => `0.0.0.0 ads${i}.example.com`);
  const location = file(names.join('\n'));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const { block } = await loadLists({ ...NONE, block: [location] }, folder.path);
  clearInterval(timer);
  expect(block.names.size).toBe(140_000);
  expect(turns).toBeGreaterThan(5);
});

describe('the built-in names', () => {
  const { china, foreign } = builtinLists();

  test.each([
    ['www.baidu.com', true, false],
    ['anything.cn', true, false],
    ['例子.中国', true, false],
    ['www.youtube.com', false, true],
    ['google.cn', true, false],
    ['example.com', false, false],
  ])('%s: china %p, foreign %p', (name, isChinese, isForeign) => {
    const asked = normalName(name)!;
    expect([china.names.has(asked), foreign.names.has(asked)]).toEqual([isChinese, isForeign]);
  });

  test('are names, each once, none on both sides and none below another', () => {
    const all = [...BUILTIN_CHINA, ...BUILTIN_FOREIGN];
    expect(all.filter((name) => normalName(name) !== name)).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
    const parents = (name: string) => name.split('.').map((_, i, labels) => labels.slice(i + 1).join('.'));
    expect(all.filter((name) => parents(name).some((parent) => all.includes(parent)))).toEqual([]);
  });
});
