import { describe, expect, test } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/error.ts';
import { loadConfig } from '../../src/config/load.ts';
import { folderForAll } from '../lab/folder.ts';

const folder = folderForAll();

const LINK = 'ss://YWVzLTEyOC1nY206dGVzdA@192.0.2.1:8888';

function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = folder.file(name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

async function errorOf(path: string): Promise<ConfigError> {
  const error = await loadConfig({ file: path }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
}

describe('loadConfig', () => {
  test('reads a file', async () => {
    const { config, warnings } = await loadConfig({ file: file('good.json', `{"upstream": "${LINK}"}`) });
    expect(config.upstreams).toMatchObject([{ server: '192.0.2.1' }]);
    expect(warnings).toEqual([]);
  });

  test('warns of a password that everybody can read, unless the password comes from elsewhere', async () => {
    const path = file('open.json', `{"upstream": "${LINK}"}`, 0o644);
    const { warnings } = await loadConfig({ file: path });
    expect(warnings).toEqual([
      `${path}: every user of this machine can read the password in it; chmod 600 ${path}`,
    ]);
    const bare = file('bare.json', '{"scope": "global"}', 0o644);
    const overrides = [{ path: ['upstream'], value: LINK, where: 'URL' }];
    expect((await loadConfig({ file: bare, overrides })).warnings).toEqual([]);
  });

  test.each([
    { name: 'a missing file', path: () => folder.file('none.json'), found: 'no such file', status: 'ERR_CONFIG_READ' },
    { name: 'a directory', path: () => folder.path, found: 'a directory', status: 'ERR_CONFIG_READ' },
    { name: 'a path through a file', path: () => join(file('x', ''), 'y'), found: 'a path through something that is no directory', status: 'ERR_CONFIG_READ' },
    { name: 'a huge file', path: () => file('huge', new Uint8Array(1024 * 1024 + 1)), found: 'more than 1 MiB', status: 'ERR_CONFIG_READ' },
    { name: 'endless input', path: () => '/dev/zero', found: 'more than 1 MiB', status: 'ERR_CONFIG_READ' },
    { name: 'bytes that are no text', path: () => file('binary', new Uint8Array([0x7b, 0xff])), found: 'bytes that are no UTF-8', status: 'ERR_CONFIG_SYNTAX' },
  ])('says what is wrong with $name', async ({ path, found, status }) => {
    const at = path();
    const error = await errorOf(at);
    expect(error.status).toBe(status as never);
    expect(error.problems).toMatchObject([{ where: at, found }]);
  }); // prettier-ignore
});
