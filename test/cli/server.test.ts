/** `snet server` as a user meets it: what it prints, what it warns of, how it ends. */
import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { EXIT } from '../../src/cli/exit.ts';
import { renderQr } from '../../src/cli/qr.ts';
import { parseShareLink } from '../../src/config/share_link.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { describeNeeding } from '../needs.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const folder = folderForAll();

interface Options {
  readonly env?: Record<string, string>;
  /** A command line to run it under. */
  readonly under?: readonly string[];
}

function start(argv: readonly string[], { env = {}, under = [] }: Options = {}) {
  const child = Bun.spawn([...under, process.execPath, MAIN, 'server', ...argv], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const said = { stdout: '', stderr: '' };
  const follow = async (name: 'stdout' | 'stderr') => {
    for await (const bytes of child[name]) said[name] += Buffer.from(bytes).toString();
  };
  const read = Promise.all([follow('stdout'), follow('stderr')]);
  return {
    child,
    said,
    async ended() {
      const [, code] = await Promise.all([read, child.exited]);
      return { code, ...said };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

/** Runs it until it has said all that it says at its start, and ends it. */
async function serve(argv: readonly string[], options: Options = {}) {
  await using server = start(argv, options);
  await eventually('the start', async () => {
    if (server.child.exitCode !== null) throw new Error(JSON.stringify(await server.ended()));
    return server.said.stderr.includes(' ready ');
  });
  // The links come behind that.
  await Bun.sleep(150);
  const ps = Bun.spawnSync(['ps', '-ww', '-o', 'args=', '-p', String(server.child.pid)]);
  const argvSeen = ps.stdout.toString();
  server.child.kill('SIGTERM');
  return { ...(await server.ended()), argvSeen };
}

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

const listen = () => ['--listen', `127.0.0.1:${freePort()}`];

function fileOf(server: object, mode = 0o600): string {
  const path = folder.file(`${Math.random()}.json`);
  writeFileSync(path, JSON.stringify({ server }), { mode });
  return path;
}

describe('snet server', () => {
  test('makes a password, prints the link, and ends in order', async () => {
    const { code, stdout, stderr } = await serve(listen());
    expect(code).toBe(0);
    expect(parseShareLink(stdout)).toMatchObject({
      type: 'shadowsocks',
      server: '127.0.0.1',
      method: '2022-blake3-aes-256-gcm',
    });
    expect(stderr).toMatch(/^snet: warning: a password was made, another one at each start;/m);
    expect(stderr).toMatch(/ info {2}stopped connections=0 /);
  });

  test('takes the password from the environment, where nobody else sees it, and says it nowhere but in the link', async () => {
    const { stdout, stderr, argvSeen } = await serve([...listen(), '--method', 'aes-256-gcm'], {
      env: { SNET_PASSWORD: 'hunter2' },
    });
    const upstream = parseShareLink(stdout) as { readonly password: { reveal(): string } };
    expect(upstream.password.reveal()).toBe('hunter2');
    expect(argvSeen).toContain('aes-256-gcm');
    expect(stderr + argvSeen).not.toContain('hunter2');
    expect(stderr).not.toContain('warning');
  });

  test('warns of a password that is an argument, and does not repeat it', async () => {
    const { stderr } = await serve([...listen(), '--method', 'aes-256-gcm', '--password', 'hunter2']);
    expect(stderr).toMatch(/^snet: warning: every user of this machine can see the password in ps;/m);
    expect(stderr).not.toContain('hunter2');
  });

  test('prints a link for each user, with the host that it is told', async () => {
    const argv = ['--user', 'alice', '--user', 'bob', '--host', 'proxy.example'];
    const { stdout, stderr } = await serve([...listen(), ...argv]);
    const links = stdout.trim().split('\n').map(parseShareLink);
    expect(links).toMatchObject([
      { server: 'proxy.example', tag: 'alice' },
      { server: 'proxy.example', tag: 'bob' },
    ]);
    expect(stderr).toMatch(/ user user=alice connections=0 /);
    expect(stderr).toMatch(/ user user=bob connections=0 /);
  });

  test('of a file prints links only if it is told to', async () => {
    const listeners = [
      { type: 'shadowsocks', listen: `127.0.0.1:${freePort()}`, method: 'aes-128-gcm', password: 'hunter2' },
      { type: 'shadowsocks', listen: `127.0.0.1:${freePort()}`, method: 'aes-128-gcm', password: 'hunter3' },
    ];
    const file = fileOf({ listeners });
    const { stdout, stderr } = await serve(['-c', file]);
    expect(stdout).toBe('');
    expect(stderr.match(/ listening /g)).toHaveLength(2);
    expect(stderr).not.toMatch(/hunter|warning/);
    const shown = await serve(['-c', fileOf({ listeners }, 0o644), '--links']);
    expect(shown.stdout.trim().split('\n').map(parseShareLink)).toMatchObject([
      { port: expect.any(Number) },
      {},
    ]);
    expect(shown.stderr).toContain('every user of this machine can read the password in it; chmod 600');
  });

  test('tells its state on a socket, for its user alone', async () => {
    const path = folder.file('control.sock');
    await using server = start([...listen(), '--user', 'alice', '--control', path]);
    await eventually('the start', () => server.said.stderr.includes(' ready '));
    const state = await (await fetch('http://snet/status', { unix: path })).json();
    expect(state).toMatchObject({
      pid: server.child.pid,
      open: { joined: 0, strangers: 0 },
      users: { alice: { accepted: 0 } },
    });
    expect(await Bun.file(path).stat()).toMatchObject({ mode: 0o140600 });
    server.child.kill('SIGTERM');
    expect((await server.ended()).code).toBe(0);
    expect(await Bun.file(path).exists()).toBe(false);
  });

  test.each([
    [['--method', 'rot13'], EXIT.usage, 'snet: --method: found an unknown name, expected one of'],
    [
      ['--listen', 'x'],
      EXIT.usage,
      'snet: --listen: found "x", expected ADDRESS:PORT such as "0.0.0.0:8388"',
    ],
    [
      ['--ports', 'http'],
      EXIT.usage,
      'snet: --ports: found "http", expected ports such as "80,443,1024-65535"',
    ],
    [['--user', 'a b'], EXIT.usage, 'snet: --user: found "a b", expected a name of 1 to 64'],
    [['--user', 'a', '--user', 'a'], EXIT.usage, 'snet: --user: found a twice, expected a name of its own'],
    [
      ['--password', 'hunter2'],
      EXIT.usage,
      'snet: --password: found base64 of 5 bytes, expected base64 of 32 bytes',
    ],
    [['--host', 'a b'], EXIT.usage, 'snet: --host: found "a b", expected a host name or an IP address'],
    [['--method', 'tls'], EXIT.usage, 'snet: --method: found "tls", expected a method of Shadowsocks'],
    [['-c', '/x', '--method', 'y'], EXIT.usage, 'snet: --config and --method exclude each other'],
    [['-c', '/x', '--user', 'y'], EXIT.usage, 'snet: --config and --user exclude each other'],
    [['-c', '/nowhere'], EXIT.config, 'snet: /nowhere: found no such file, expected a configuration file'],
  ] as const)('%j is refused', async (argv, exit, message) => {
    await using server = start(argv);
    const { code, stdout, stderr } = await server.ended();
    expect({ code, stdout }).toEqual({ code: exit.code, stdout: '' });
    expect(stderr).toStartWith(message);
    expect(stderr).not.toContain('hunter2');
  });

  test('an address of another machine is refused, and said to be one', async () => {
    await using server = start(['--listen', '192.0.2.1:8388']);
    const { code, stderr } = await server.ended();
    expect(code).toBe(EXIT.failure.code);
    expect(stderr).toMatch(
      /^snet: cannot listen on 192\.0\.2\.1:8388: .*\n {2}hint: This machine has no such address\.$/m,
    );
  });

  test('a file without a server is refused, and says what it lacks', async () => {
    const path = folder.file('run.json');
    writeFileSync(path, '{ "upstream": "ss://aes-256-gcm:p@192.0.2.1:1" }', { mode: 0o600 });
    await using server = start(['-c', path]);
    const { code, stderr } = await server.ended();
    expect(code).toBe(EXIT.config.code);
    expect(stderr).toStartWith(
      `snet: ${path}: server: found nothing, expected an object { "listeners": [ … ] }`,
    );
  });

  test('a certificate that is none is refused, with the place that names it', async () => {
    const path = fileOf({
      listeners: [{ type: 'tls', listen: '127.0.0.1:1', cert: 'none.pem', key: '/dev/null', token: 't' }],
    });
    await using server = start(['-c', path]);
    const { code, stderr } = await server.ended();
    expect(code).toBe(EXIT.config.code);
    expect(stderr).toMatch(/server\.listeners\[0\]\.cert: found ".*none\.pem", no such file/);
  });

  test('a port that is in use', async () => {
    using taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    await using server = start(['--listen', `127.0.0.1:${taken.port}`]);
    const { code, stderr } = await server.ended();
    expect(code).toBe(EXIT.inUse.code);
    expect(stderr).toContain(`snet: 127.0.0.1:${taken.port} is in use by process ${process.pid} (`);
    expect(stderr).toContain('choose another port to listen on');
    taken.stop(true);
  });
});

describe('snet check', () => {
  test('of a far end beside an upstream looks at its certificates, too', async () => {
    const path = folder.file('both.json');
    const listener = { type: 'tls', listen: '443', cert: 'none.pem', key: '/dev/null', token: 't' };
    const file = { upstream: 'ss://aes-256-gcm:p@192.0.2.1:1', server: { listeners: [listener] } };
    writeFileSync(path, JSON.stringify(file), { mode: 0o600 });
    const child = Bun.spawn([process.execPath, MAIN, 'check', '-c', path], {
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [stdout, stderr, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    expect({ stdout, code }).toEqual({ stdout: '', code: EXIT.config.code });
    expect(stderr).toMatch(/server\.listeners\[0\]\.cert: found ".*none\.pem", no such file/);
  });

  test('of a far end alone needs no upstream', async () => {
    const file = fileOf({
      listeners: [{ type: 'shadowsocks', listen: '8388', method: 'aes-128-gcm', password: 'hunter2' }],
    });
    const child = Bun.spawn([process.execPath, MAIN, 'check', '-c', file], {
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      server: { listeners: [{ listen: '8388', password: '[redacted]' }], 'max-strangers': 1024 },
    });
  });
});

describeNeeding(['root', 'setpriv'], 'snet server for nobody in particular', () => {
  const under = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

  test('needs no root', async () => {
    expect((await serve(listen(), { under })).code).toBe(0);
  });

  test('but for a port below 1024', async () => {
    await using server = start(['--listen', '127.0.0.1:853'], { under });
    const { code, stderr } = await server.ended();
    expect(code).toBe(EXIT.permission.code);
    expect(stderr).toContain('snet: only root may listen on 127.0.0.1:853');
  });
});

describeNeeding(['zbarimg'], 'the QR code', () => {
  /** Reads back what was printed, as black and white, with a camera's eyes. */
  async function scan(code: string): Promise<string> {
    const lines = code.trim().split('\n');
    const modules = lines.flatMap((line) => [
      line.split('').map((sign) => (sign === ' ' || sign === '▄' ? 1 : 0)),
      line.split('').map((sign) => (sign === ' ' || sign === '▀' ? 1 : 0)),
    ]);
    const scale = 4;
    const rows = modules.flatMap((row) =>
      Array(scale).fill(row.flatMap((bit) => Array(scale).fill(bit)).join(' ')),
    );
    const path = folder.file('code.pbm');
    writeFileSync(path, `P1\n${modules[0]!.length * scale} ${modules.length * scale}\n${rows.join('\n')}\n`);
    const child = Bun.spawn(['zbarimg', '--quiet', '--raw', path], { stdout: 'pipe', stderr: 'ignore' });
    return (await child.stdout.text()).trim();
  }

  test('is the link, for a camera', async () => {
    const { stdout } = await serve([...listen(), '--qr', '--user', 'alice']);
    const [link, ...code] = stdout.split('\n');
    expect(link).toStartWith('ss://2022-blake3-aes-256-gcm:');
    expect(await scan(code.join('\n'))).toBe(link!);
  });

  test('has colours of its own on a terminal', () => {
    const plain = renderQr('ss://x', false).split('\n');
    expect(renderQr('ss://x', true).split('\n')).toEqual(plain.map((line) => `\x1b[97;40m${line}\x1b[0m`));
  });
});
