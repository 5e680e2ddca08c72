import { describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { pfFiles } from '../../../src/redirect/pf/names.ts';
import {
  deleteState,
  parseState,
  readState,
  renderState,
  writeState,
  writeTable,
  type PfState,
} from '../../../src/redirect/pf/state_file.ts';
import { folderForEach } from '../../lab/folder.ts';

const folder = folderForEach();
const files = () => pfFiles(folder.file('snet'));

const STATE: PfState = {
  owner: 123,
  boot: '4E4A2428-2FBD-4164-B6B6-B1FDA7DA43BD',
  token: '15053025338191571182',
  before: undefined,
  segmentation: 1,
};

const token = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const states: fc.Arbitrary<PfState> = fc.record({
  owner: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  boot: fc.option(
    fc.uuid().map((id) => id.toUpperCase()),
    { nil: undefined },
  ),
  token: fc.option(token, { nil: undefined }),
  before: fc.option(fc.array(token), { nil: undefined }),
  segmentation: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
});

describe('parseState()', () => {
  test('gives back what was written', () => {
    fc.assert(fc.property(states, (state) => expect(parseState(renderState(state))).toEqual(state)));
  });

  test('gives what is whole, or nothing', () => {
    fc.assert(
      fc.property(states, fc.nat(), (state, cut) => {
        const text = renderState(state);
        const left = text.slice(0, cut % (text.length - 1));
        expect(parseState(left)).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.anything(), (thing) => void parseState(JSON.stringify(thing) ?? '')));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(parseState(text)).toBeUndefined()));
  });

  test.each([
    { version: 2 },
    { version: undefined },
    { owner: 0 },
    { owner: -1 },
    { owner: 1.5 },
    { owner: '1' },
    { boot: 7 },
    { boot: '/etc/passwd' },
    { token: 15 },
    { token: '-d' },
    { token: '1 -d' },
    { token: '' },
    { before: '1' },
    { before: ['1', 2] },
    { segmentation: '1' },
    { segmentation: -1 },
    { segmentation: 1e99 },
  ])('refuses %j', (wrong) => {
    const text = JSON.stringify({ version: 1, ...STATE, ...wrong });
    expect(parseState(JSON.stringify({ version: 1, ...STATE }))).toEqual(STATE);
    expect(parseState(text)).toBeUndefined();
  });
});

describe('the file', () => {
  test('is for its owner alone, and goes without a trace', async () => {
    expect(await readState(files())).toEqual({ state: undefined });
    await writeState(files(), STATE);
    await writeTable(files(), files().bypass, '10.0.0.0/8\n');
    expect(statSync(files().state).mode & 0o777).toBe(0o600);
    expect(statSync(files().folder).mode & 0o777).toBe(0o700);
    expect(await readState(files())).toEqual({ state: STATE });
    await writeState(files(), { ...STATE, token: undefined });
    expect((await readState(files())).state).toEqual({ ...STATE, token: undefined });
    await deleteState(files());
    expect(readdirSync(files().folder)).toEqual([]);
    await deleteState(files());
  });

  test('that is damaged is told of', async () => {
    mkdirSync(files().folder, { mode: 0o700 });
    writeFileSync(files().state, '{"version":1', { mode: 0o600 });
    expect(await readState(files())).toEqual({
      state: undefined,
      problem: 'it is damaged, or of another version of snet',
    });
  });

  test('that others may write to is not believed', async () => {
    await writeState(files(), STATE);
    chmodSync(files().state, 0o666);
    expect(await readState(files())).toEqual({ state: undefined, problem: 'others may write to it' });
  });

  test('that is a link, a folder or a monster is not read', async () => {
    mkdirSync(files().folder, { mode: 0o700 });
    writeFileSync(folder.file('elsewhere'), renderState(STATE), { mode: 0o600 });
    symlinkSync(folder.file('elsewhere'), files().state);
    expect((await readState(files())).problem).toMatch(/ELOOP|symbolic/i);
    await deleteState(files());
    expect(existsSync(folder.file('elsewhere'))).toBe(true);
    writeFileSync(files().state, ' '.repeat(100_000), { mode: 0o600 });
    expect((await readState(files())).problem).toBe('it is no file of ours');
    await deleteState(files());
    mkdirSync(files().state, { mode: 0o700 });
    expect((await readState(files())).problem).toBe('it is no file of ours');
  });

  test('is not written where others may write', async () => {
    mkdirSync(files().folder);
    chmodSync(files().folder, 0o777);
    const error: unknown = await writeState(files(), STATE).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      status: 'ERR_REDIRECT_COMMAND',
      message: 'the state of pf could not be written',
    });
    expect(readdirSync(files().folder)).toEqual([]);
  });
});
