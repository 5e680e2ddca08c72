/** The program as a user meets it: arguments in, exit code, stdout and stderr out. */
import { afterAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../../package.json';
import { EXIT } from '../../src/cli/exit.ts';
import { testNeeding } from '../needs.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const LINK = 'ss://aes-256-gcm:hunter2@h.example:8388';
const EXAMPLE = 'a right one: ss://aes-256-gcm:PASSWORD@proxy.example.com:8388#home';

const directory = mkdtempSync(join(tmpdir(), 'snet-cli-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function snet(argv: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const child = Bun.spawn([process.execPath, MAIN, ...argv], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
}

let serial = 0;

function file(text: string): string {
  const path = join(directory, `${serial++}.json`);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('snet', () => {
  test.each([[[]], [['--help']], [['-h']], [['help']], [['help', 'help']], [['help', '--help']]])(
    '%p prints help with the exit codes',
    async (argv) => {
      const { code, stdout, stderr } = await snet(argv);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const { code, meaning } of Object.values(EXIT))
        expect(stdout).toContain(`  ${code}  ${meaning}\n`);
      expect(stdout).not.toContain('\u001B');
    },
  );

  test.each(['run', 'check', 'init', 'status', 'clean', 'dns', 'update', 'demo', 'version'])(
    '%s --help has an example',
    async (name) => {
      const { code, stdout } = await snet([name, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^EXAMPLES\n\n +(?:sudo .*)?snet ${name}`, 'm'));
    },
  );

  test('help COMMAND is COMMAND --help', async () => {
    const asked = await snet(['help', 'check']);
    expect(asked).toEqual(await snet(['check', '--help']));
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining('snet check -c snet.json') });
  });

  test.each([
    { argv: ['rnu'], stderr: 'snet: unknown command "rnu"\n  hint: did you mean run?\n' },
    { argv: ['help', 'rnu'], stderr: 'snet: unknown command "rnu"\n  hint: did you mean run?\n' },
    { argv: ['help', 'run', LINK], stderr: 'snet: unexpected argument a link\n  hint: snet help COMMAND\n' },
    { argv: ['hlep'], stderr: 'snet: unknown command "hlep"\n  hint: did you mean help?\n' },
    { argv: ['--prot', '1'], stderr: 'snet: unknown flag "--prot"\n  hint: one of run, check, init, status, clean, dns, server, update, demo, version\n' },
    { argv: [LINK], stderr: 'snet: found a link, expected a command\n  hint: snet run URL\n' },
    { argv: ['run', '--prot', '1'], stderr: 'snet: unknown flag --prot\n  hint: did you mean --port?\n' },
    { argv: ['clean', LINK], stderr: 'snet: unexpected argument a link\n  hint: see snet clean --help\n' },
    { argv: ['init'], stderr: 'snet: missing argument URL\n  hint: a share link, or the https URL of a subscription\n' },
    { argv: ['init', '--subscription', 'http://h/hunter2'], stderr: 'snet: --subscription: found an http:// link, expected an https:// URL\n  hint: over http:// anybody on the way could change it\n' },
    { argv: ['run', LINK, '--port', '65536'], stderr: 'snet: --port: found 65536, expected a whole number, 1 to 65535\n' },
    { argv: ['run', LINK, '--bypass', '10.0.0.0/33'], stderr: 'snet: --bypass: found "10.0.0.0/33", expected a block such as "203.0.113.0/24", an IP address or a host name\n  hint: a prefix of IPv4 is 0 to 32\n' },
    { argv: ['run', '-v', '--log-level=info'], stderr: 'snet: --verbose and --log-level exclude each other\n' },
    { argv: ['check'], stderr: 'snet: missing flag --config or -c\n  hint: see snet check --help\n' },
    { argv: ['version', 'x'], stderr: 'snet: unexpected argument "x"\n  hint: see snet version --help\n' },
  ])('$argv is a usage error', async ({ argv, stderr }) => {
    expect(await snet(argv)).toEqual({ code: 2, stdout: '', stderr });
  }); // prettier-ignore

  test.each([
    { argv: ['run'], stderr: 'snet: command line: upstream: found no upstream, expected a share link such as ss://METHOD:PASSWORD@HOST:PORT\n  hint: give it as an argument, in SNET_UPSTREAM, or as "upstream" in the file that -c names\n' },
    { argv: ['run', 'ss://aes-256-gmc:hunter2@h:1'], stderr: 'snet: URL: found "aes-256-gmc", expected one of 2022-blake3-aes-128-gcm, 2022-blake3-aes-256-gcm, 2022-blake3-chacha20-poly1305, aes-128-gcm, aes-192-gcm, aes-256-gcm, chacha20-ietf-poly1305, xchacha20-ietf-poly1305 as its method\n  hint: did you mean aes-256-gcm?\n' },
    { argv: ['run', 'ss://aes-256-gcm:hunter2@h'], stderr: `snet: URL: found no port, expected HOST:PORT after the @\n  hint: ${EXAMPLE}\n` },
    { argv: ['run', LINK, 'http://u:hunter2@h'], stderr: 'snet: URL 2: found no port, expected HOST:PORT after the @\n  hint: a right one: http://USER:PASSWORD@proxy.example.com:8080\n' },
    { argv: ['run', 'ss://aes-256-cfb:hunter2@h:1'], stderr: expect.stringMatching(/^snet: URL: found aes-256-cfb, expected one of 2022-.*\n  hint: this method has no authentication: .*"allow-insecure-ciphers": true in the file\n$/) },
    { argv: ['init', LINK, 'https://u:hunter2@h:1?pin=x'], stderr: expect.stringMatching(/^snet: URL 2: found something else there, expected .*\n  hint: openssl x509 .*\n$/) },
    { argv: ['run', '-c', '/nonexistent'], stderr: 'snet: /nonexistent: found no such file, expected a configuration file\n  hint: check the path; it is relative to the current directory\n' },
  ])('$argv is a configuration error', async ({ argv, stderr }) => {
    expect(await snet(argv)).toEqual({ code: 3, stdout: '', stderr });
  }); // prettier-ignore

  test('names the variable whose link is wrong', async () => {
    const { code, stderr } = await snet(['run'], { SNET_UPSTREAM: 'ss://hunter2' });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: `snet: SNET_UPSTREAM: found a link without @HOST:PORT, expected a share link ss://METHOD:PASSWORD@HOST:PORT\n  hint: ${EXAMPLE}\n`,
    });
  });

  test('says which link of the variable is wrong', async () => {
    const { code, stderr } = await snet(['run'], { SNET_UPSTREAM: ` ${LINK}\n\tss://hunter2 ` });
    expect(code).toBe(3);
    expect(stderr).toStartWith('snet: SNET_UPSTREAM 2: found a link without @HOST:PORT, ');
  });
});

describe('snet check', () => {
  test('prints what is effective, without the password', async () => {
    const path = file(`{"upstream": "${LINK}#home", "scope": "global"}`);
    const { code, stdout, stderr } = await snet(['check', '-c', path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      upstream: { server: 'h.example', password: '[redacted]', tag: 'home' },
      scope: 'global',
      listen: { port: 1111 },
    });
    expect(stdout).not.toContain('hunter2');
  });

  test('prints each of several upstreams', async () => {
    const path = file(`{"upstream": ["${LINK}", {"type": "tls", "server": "t.example", "port": 443, "token": "hunter2", "via": "http://u:hunter2@h:1"}], "group": {"policy": "fastest"}}`);
    const { code, stdout, stderr } = await snet(['check', '-c', path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      upstream: [
        { type: 'shadowsocks', server: 'h.example' },
        { type: 'tls', server: 't.example', token: '[redacted]', via: { type: 'http', user: 'u', password: '[redacted]' } },
      ],
      group: { policy: 'fastest', 'probe-interval': '30s' },
    });
    expect(stdout).not.toContain('hunter2');
  }); // prettier-ignore

  test('puts the links of the environment in the place of those of the file', async () => {
    const path = file(`{"upstream": ["${LINK}", "${LINK}", "${LINK}"]}`);
    const { stdout } = await snet(['check', '-c', path], { SNET_UPSTREAM: 'http://a:1 socks5://b:2' });
    expect(JSON.parse(stdout)).toMatchObject({ upstream: [{ server: 'a' }, { server: 'b' }] });
  });

  test('says on stderr what it ignores of a file of the Go program', async () => {
    const old = { 'proxy-type': 'ss2', 'ss2-host': 'h', 'ss2-port': 1, 'ss2-cipher-method': 'AEAD_AES_128_GCM', 'ss2-passwd': 'hunter2', 'enable-stats': true }; // prettier-ignore
    const path = file(JSON.stringify(old));
    const warning = 'enable-stats: not supported yet, ignored: snet does not serve statistics yet';
    const { code, stdout, stderr } = await snet(['check', '-c', path, '--json']);
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^snet: warning: ${path}:1:\\d+: ${warning}\n$`));
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      format: 'go',
      warnings: [expect.stringContaining(warning)],
    });
  });

  test('prints problems as JSON too, every one', async () => {
    const path = file('{"upstream": "hunter2",\n "scop": 1}');
    const { code, stdout, stderr } = await snet(['check', '--json', '-c', path]);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      status: 'ERR_CONFIG_VALUE',
      problems: [
        { where: `${path}:1:2`, key: 'upstream', found: 'a text without a scheme://' },
        { where: `${path}:2:2`, key: 'scop', hint: 'did you mean scope?' },
      ],
    });
    expect(stderr.match(/^snet: /gm)).toHaveLength(2);
    expect(stdout + stderr).not.toContain('hunter2');
  });

  describe('of a subscription', () => {
    const url = 'https://h.example/hunter2';
    const digest = createHash('sha256').update(url).digest('hex');
    const name = `the subscription ${digest.slice(0, 12)} of h.example`;

    async function checked(document: string | undefined, ...flags: string[]) {
      const state = mkdtempSync(join(directory, 'state-'));
      const kept = join(state, 'subscriptions', digest.slice(0, 32));
      if (document !== undefined) {
        mkdirSync(join(state, 'subscriptions'));
        writeFileSync(kept, document);
        utimesSync(kept, 1e9, 1e9);
      }
      const upstream = { type: 'subscription', url };
      const path = file(JSON.stringify({ upstream, dns: { cache: { directory: state } } }));
      const result = await snet(['check', '-c', path, ...flags]);
      expect(result.stdout + result.stderr).not.toContain('hunter2');
      return result;
    }

    test('says what is kept of it, and what is wrong there', async () => {
      const { code, stderr, stdout } = await checked(`${LINK}\nsocks5://h\n${LINK}\n`);
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: `snet: ${name}: 2 upstreams, 1 left out, fetched 2001-09-09T01:46:40.000Z\nsnet: ${name}: number 2 is left out: found no port, expected HOST:PORT after socks5://\n`,
      });
      expect(JSON.parse(stdout)).toMatchObject({ upstream: { type: 'subscription', url: '[redacted]' } });
    });

    test.each([
      [undefined, 'nothing is kept; it is fetched when snet runs'],
      ['<html>hunter2', 'what is kept has an HTML page'],
    ])('says why there is nothing: %p', async (document, problem) => {
      const { code, stderr } = await checked(document);
      expect({ code, stderr }).toEqual({ code: 0, stderr: `snet: ${name}: ${problem}\n` });
    });

    test('the same as JSON', async () => {
      const { stdout, stderr } = await checked(LINK, '--json');
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({
        ok: true,
        subscriptions: [{ subscription: name, upstreams: 1, bad: [], fetched: '2001-09-09T01:46:40.000Z' }],
      });
    });
  });

  test('looks at the files that run could not do without', async () => {
    const path = file(
      `{"upstream": "${LINK}", "dns": {"china": [{"url": "tls://192.0.2.1", "ca": "/none.pem"}]}}`,
    );
    const { code, stderr } = await snet(['check', '-c', path]);
    expect(code).toBe(3);
    expect(stderr).toContain(
      'dns.china[0].ca: found "/none.pem", no such file, expected a PEM file with a certificate',
    );
  });

  test('reads a pipe', async () => {
    const child = Bun.spawn([process.execPath, MAIN, 'check', '-c', '/dev/stdin'], {
      stdin: Buffer.from(`{"upstream": "${LINK}"}`),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    expect(JSON.parse(await child.stdout.text())).toMatchObject({ scope: 'bypass-cn' });
    expect(await child.exited).toBe(0);
  });

  test('ends quietly when its reader has gone', async () => {
    // The reader of the pipe closes at once; the shell tells the exit code of the writer.
    const hosts = Array.from({ length: 20_000 }, (_, i) => `h${i}.example`);
    const path = file(JSON.stringify({ upstream: LINK, bypass: hosts }));
    const script = '{ "$0" "$1" check -c "$2"; echo "code $?" >&2; } | true';
    const child = Bun.spawn(['sh', '-c', script, process.execPath, MAIN, path], {
      stdout: 'ignore',
      stderr: 'pipe',
    });
    expect(await child.stderr.text()).toBe('code 0\n');
  });
});

// macOS has no such device.
testNeeding(['linux'], 'a full disk is a failure that is told', async () => {
  const child = Bun.spawn([process.execPath, MAIN, 'version'], {
    stdout: Bun.file('/dev/full'),
    stderr: 'pipe',
  });
  expect(await child.stderr.text()).toStartWith('snet: cannot write to stdout: ENOSPC');
  expect(await child.exited).toBe(1);
});

describe('snet version', () => {
  test('is that of package.json, of no build', async () => {
    const { code, stdout } = await snet(['version', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version, commit: 'dev', built: 'dev', bun: Bun.version });
  });

  test.each([[['version']], [['--version']]])('%p is one line', async (argv) => {
    const { code, stdout, stderr } = await snet(argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^snet \S+ \(.*\)\n$/);
    expect(stdout).toContain(version);
  });
});
