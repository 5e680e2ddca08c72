import { afterAll, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Secret } from '../../src/base/secret.ts';
import { renderFirstFile } from '../../src/config/first_file.ts';
import { loadText } from '../../src/config/load.ts';
import { linkable, revealed } from '../config/upstreams.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const LINK = 'ss://aes-256-gcm:hunter2@h.example:8388#home';

const directory = mkdtempSync(join(tmpdir(), 'snet-init-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function init(argv: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, MAIN, 'init', ...argv], {
    cwd: directory,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

const load = (text: string) => loadText({ name: 'snet.json', text });

describe('snet init', () => {
  test('prints a file that says what was given, in order', async () => {
    const urls = [
      'https://sub.example/hunter2',
      LINK,
      'https://u:p@proxy.example:443',
      'snet+tls://t@h:1/?ca=ca.pem',
    ];
    const { code, stdout, stderr } = await init([...urls, '--subscription', 'https://sub.example:8443']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { config, warnings } = load(stdout);
    expect(warnings).toEqual([]);
    expect(revealed(config)).toMatchObject({
      upstreams: [
        { type: 'shadowsocks', server: 'h.example', password: 'hunter2', tag: 'home' },
        { type: 'http', server: 'proxy.example', tls: { insecure: false } },
        // Where the file will be is anybody's guess: the path is that of the command.
        { type: 'tls', token: 't', tls: { ca: join(directory, 'ca.pem') } },
      ],
      subscriptions: [
        { url: 'https://sub.example/hunter2', refresh: 43_200_000 },
        { url: 'https://sub.example:8443', refresh: 43_200_000 },
      ],
    });
    expect(stdout).toMatch(/^ +\/\/ shadowsocks h\.example:8388 aes-256-gcm \(home\)\n +"ss:/m);
    expect(stdout).toMatch(/^ +\/\/ "group": \{ "policy": "failover", /m);
  });

  test('writes a file for its owner alone', async () => {
    expect(await init([LINK, '-o', 'snet.json'])).toEqual({
      code: 0,
      stdout: 'wrote snet.json\n',
      stderr: '',
    });
    const path = join(directory, 'snet.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(load(readFileSync(path, 'utf8')).config.upstreams).toHaveLength(1);
  });

  test('replaces a file only if told to, and then its permissions too', async () => {
    const path = join(directory, 'there.json');
    writeFileSync(path, 'mine');
    chmodSync(path, 0o644);
    const refused = {
      code: 1,
      stdout: '',
      stderr: `snet: ${path} is there already\n  hint: --force replaces it\n`,
    };
    expect(await init([LINK, '-o', path])).toEqual(refused);
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect((await init([LINK, '-o', path, '--force'])).code).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toContain('"upstream"');
  });

  test('follows no link that leads elsewhere', async () => {
    const [link, victim] = [join(directory, 'link'), join(directory, 'victim')];
    symlinkSync(victim, link);
    expect((await init([LINK, '-o', link])).code).toBe(1);
    expect((await init([LINK, '-o', link, '--force'])).code).toBe(0);
    expect(existsSync(victim)).toBe(false);
  });

  test('says where it cannot write', async () => {
    const { code, stderr } = await init([LINK, '-o', 'none/snet.json']);
    expect(code).toBe(1);
    expect(stderr).toStartWith('snet: cannot write none/snet.json: ENOENT');
    expect(stderr).toEndWith('\n  hint: make its folder first\n');
    expect(stderr).not.toContain('hunter2');
  });

  test('takes the links of the environment, which ps does not show', async () => {
    const { code, stdout } = await init([], { SNET_UPSTREAM: `${LINK}\nsocks5://h:1` });
    expect(code).toBe(0);
    expect(load(stdout).config.upstreams).toMatchObject([{ type: 'shadowsocks' }, { type: 'socks5' }]);
  });

  test('warns of what it was told to write', async () => {
    const { code, stderr } = await init(['https://h:1/?insecure=1']);
    expect(code).toBe(0);
    expect(stderr).toStartWith("snet: warning: URL: the server's certificate is not checked: ");
  });
});

describe('renderFirstFile', () => {
  const { config } = load(`{"upstream": "${LINK}"}`);

  test('can be loaded, and says the same, whatever the upstreams', () => {
    fc.assert(
      fc.property(fc.array(linkable, { minLength: 1, maxLength: 3 }), (upstreams) => {
        const allowed = { path: ['allow-insecure-ciphers'], value: true, where: 'test' };
        const text = renderFirstFile({ ...config, upstreams });
        const again = loadText({ name: 'f', text, overrides: [allowed] });
        expect(revealed(again.config.upstreams)).toEqual(revealed(upstreams));
        expect(again.config).toMatchObject({ subscriptions: [], group: config.group, port: config.port });
      }),
    );
  });

  test('has comments that are right when they are none any more', () => {
    const subscriptions = [{ url: new Secret('https://a.example/'), refresh: 60_000 }];
    const text = renderFirstFile({ ...config, subscriptions });
    const live = text.replace(/^ {2}\/\/ (?=")/gm, '  ');
    expect(live).not.toBe(text);
    const defaults = loadText({ name: 'f', text });
    const { dns, ...rest } = loadText({ name: 'f', text: live }).config;
    expect(dns).toBeUndefined();
    expect(revealed({ ...rest, dns: 0 })).toEqual(revealed({ ...defaults.config, dns: 0 }));
  });
});
