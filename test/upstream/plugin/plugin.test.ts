import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { silent, type Log } from '../../../src/base/log.ts';
import { missingProgram, PLUGIN_PATH, systemRunner, type Runner } from '../../../src/base/runner.ts';
import { parseAddress, type Endpoint } from '../../../src/net/address.ts';
import { locatePlugin } from '../../../src/upstream/plugin/command.ts';
import { startPlugin, type Plugin, type PluginTiming } from '../../../src/upstream/plugin/plugin.ts';
import { PluginError } from '../../../src/upstream/plugin/plugin_error.ts';
import { eventually } from '../../lab/eventually.ts';
import { hasEnded } from '../../lab/proc.ts';
import { describeNeeding, testNeeding } from '../../needs.ts';
import { askAt, createFake, createMemoryLog, TIMING } from './fake.ts';

const server = (text: string): Endpoint => ({ address: parseAddress(text)!, port: 8388 });
const V4 = server('192.0.2.1');
const V6 = server('2001:db8::1');

interface Start {
  readonly program: string;
  readonly options?: string;
  readonly remote?: () => readonly Endpoint[];
  readonly runner?: Runner;
  readonly log?: Log;
  readonly timing?: Partial<PluginTiming>;
}

function start({
  program,
  options,
  remote = () => [V4],
  runner = systemRunner,
  log = silent,
  timing,
}: Start) {
  return startPlugin({ program, options, remote }, runner, log, { ...TIMING, ...timing });
}

/** The same, stopped at the end of the test. */
async function started(options: Start): Promise<Plugin & AsyncDisposable> {
  const plugin = await start(options);
  return {
    get endpoint() {
      return plugin.endpoint;
    },
    stop: () => plugin.stop(),
    [Symbol.asyncDispose]: () => plugin.stop(),
  };
}

async function refusal(starting: Promise<unknown>): Promise<PluginError> {
  const error: unknown = await starting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PluginError);
  return error as PluginError;
}

/** The machine's runner, which notes the pids of all that it starts. */
function noting(pids: number[]): Runner {
  return {
    ...systemRunner,
    start(argv, options) {
      const child = systemRunner.start(argv, options);
      pids.push(child.pid);
      return child;
    },
  };
}

/** A machine without setpriv. */
const withoutSetpriv: Runner = {
  run: () => Promise.reject(missingProgram('setpriv')),
  start: (argv, options) => systemRunner.start(argv, options),
};

describe('a plugin', () => {
  test('is told what SIP003 says, and nothing else', async () => {
    await using fake = await createFake();
    await using plugin = await started({ program: fake.program, options: 'tell' });
    const { args, folder, env } = await askAt(plugin.endpoint.port);
    expect(args).toEqual([]);
    expect(folder).toBe('/');
    // The shell of the fake sets PWD and its like.
    for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) delete (env as Record<string, string>)[name];
    expect(env).toEqual({
      PATH: expect.stringContaining('/usr/sbin'),
      LC_ALL: 'C',
      SS_REMOTE_HOST: '192.0.2.1',
      SS_REMOTE_PORT: '8388',
      SS_LOCAL_HOST: '127.0.0.1',
      SS_LOCAL_PORT: String(plugin.endpoint.port),
      SS_PLUGIN_OPTIONS: 'tell',
    });
  });

  test.each(['tell;$(touch /tmp/x) `id` "\'; & | * \\;\\=', 'tell;ключ=значение'])(
    'gets its options as they are: %s',
    async (options) => {
      await using fake = await createFake();
      await using plugin = await started({ program: fake.program, options });
      expect((await askAt(plugin.endpoint.port)).env['SS_PLUGIN_OPTIONS']).toBe(options);
    },
  );

  test('without options gets none; with a server of IPv6 its address without brackets', async () => {
    await using fake = await createFake();
    await using plugin = await started({ program: fake.program, remote: () => [V6, V4] });
    const { env } = await askAt(plugin.endpoint.port);
    expect(env).not.toHaveProperty('SS_PLUGIN_OPTIONS');
    expect(env['SS_REMOTE_HOST']).toBe('2001:db8::1');
  });

  test('that says something is heard in the log, without its secrets', async () => {
    await using fake = await createFake();
    const log = createMemoryLog();
    await refusal(start({ program: fake.program, options: 'die;key=hunter22', log }));
    expect(log.said('the plugin says').map(({ level, fields }) => [level, fields['line']])).toEqual(
      expect.arrayContaining([
        ['debug', 'starting'],
        ['debug', 'no good: die;key=[redacted]'],
      ]),
    );
  });
});

describe('what can not be started', () => {
  test('is missing: by name says where it was looked for', async () => {
    const error = await refusal(start({ program: 'snet-no-such-plugin' }));
    expect(error.status).toBe('ERR_PLUGIN_MISSING');
    expect(error.message).toBe(`no plugin snet-no-such-plugin in ${PLUGIN_PATH}`);
  });

  test.each(['/nowhere/plugin', '/etc/passwd', '/etc'])('is missing: %s', async (program) => {
    const error = await refusal(start({ program }));
    expect(error.status).toBe('ERR_PLUGIN_MISSING');
    expect(error.message).toBe(`there is no program ${program}, or it may not be run`);
  });

  test('dies at once: says its last words, without secrets', async () => {
    await using fake = await createFake();
    const error = await refusal(start({ program: fake.program, options: 'die;password=hunter22' }));
    expect(error.status).toBe('ERR_PLUGIN_EXITED');
    expect(error.message).toContain(`the plugin ${fake.program} ended at once, exit code 3: `);
    expect(error.message).toContain('no good: die;password=[redacted]');
  });

  test('never listens: is ended', async () => {
    await using fake = await createFake();
    const pids: number[] = [];
    await Bun.write(fake.program, '#!/bin/sh\necho who? >&2\nexec sleep 1000\n');
    const error = await refusal(
      start({ program: fake.program, runner: noting(pids), timing: { patience: 1_000 } }),
    );
    expect(error.status).toBe('ERR_PLUGIN_TIMEOUT');
    expect(error.message).toBe(`the plugin ${fake.program} did not listen on its port within 1 s: who?`);
    expect(pids.map(hasEnded)).toEqual([true]);
  });

  test('is no program at all', async () => {
    await using fake = await createFake();
    await Bun.write(fake.program, '\x7fELF, or so it says');
    const error = await refusal(start({ program: fake.program, runner: withoutSetpriv }));
    expect(error.status).toBe('ERR_PLUGIN_START');
    expect(error.cause).toBeDefined();
  });
});

describe('a plugin that dies', () => {
  test('is started again on another port, and its death told with its last words', async () => {
    await using fake = await createFake();
    const log = createMemoryLog();
    await using plugin = await started({ program: fake.program, log });
    const first = { pid: (await askAt(plugin.endpoint.port)).pid, port: plugin.endpoint.port };
    process.kill(first.pid, 'SIGKILL');
    await eventually('another', () => plugin.endpoint.port !== first.port);
    const second = await askAt(plugin.endpoint.port);
    expect(second.pid).not.toBe(first.pid);
    expect(log.events.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'the plugin runs'],
      ['warn', 'the plugin died; it is started again'],
      ['info', 'the plugin runs again'],
    ]);
    expect(log.events[1]!.fields).toEqual({
      plugin: fake.program,
      reason: 'exit code 137: it said nothing',
      pause: TIMING.pause,
    });
  });

  test('again and again is started at growing intervals, and comes back when it can', async () => {
    await using fake = await createFake();
    const log = createMemoryLog();
    await Bun.write(fake.path('marker'), '');
    await using plugin = await started({
      program: fake.program,
      options: `while=${fake.path('marker')}`,
      log,
    });
    const { pid } = await askAt(plugin.endpoint.port);
    await rm(fake.path('marker'));
    process.kill(pid, 'SIGKILL');
    const failures = () => log.said('the plugin does not start');
    await eventually('four attempts in vain', () => failures().length >= 4);
    expect(
      failures()
        .slice(0, 4)
        .map(({ fields }) => fields['pause']),
    ).toEqual([20, 40, 40, 40]);
    await Bun.write(fake.path('marker'), '');
    await eventually('it to run again', () => log.said('the plugin runs again').length === 1);
    expect((await askAt(plugin.endpoint.port)).pid).not.toBe(pid);
  });

  test('after a long life is started again without a long pause', async () => {
    await using fake = await createFake();
    const log = createMemoryLog();
    await using plugin = await started({ program: fake.program, log, timing: { steady: 0 } });
    for (let deaths = 1; deaths <= 4; deaths++) {
      process.kill((await askAt(plugin.endpoint.port)).pid, 'SIGKILL');
      await eventually('another', () => log.said('the plugin runs again').length === deaths);
    }
    const pauses = log.said('the plugin died; it is started again').map(({ fields }) => fields['pause']);
    expect(pauses).toEqual([10, 10, 10, 10]);
  });
});

test('a server that has moved: its plugin is started again, and told the new address', async () => {
  await using fake = await createFake();
  const log = createMemoryLog();
  let servers = [V4, V6];
  await using plugin = await started({ program: fake.program, remote: () => servers, log });
  const { port } = plugin.endpoint;
  // Another order is no move.
  servers = [V6, V4];
  await Bun.sleep(5 * TIMING.look);
  expect(plugin.endpoint.port).toBe(port);
  servers = [V6];
  await eventually('another', () => plugin.endpoint.port !== port);
  expect((await askAt(plugin.endpoint.port)).env['SS_REMOTE_HOST']).toBe('2001:db8::1');
  expect(log.events.map(({ message }) => message)).toEqual([
    'the plugin runs',
    'the server has moved: its plugin is started again',
    'the plugin runs again',
  ]);
});

describe('the end', () => {
  test.each([
    ['that heeds SIGTERM', undefined],
    ['that does not', 'stubborn'],
  ])('stop() ends a plugin %s, and it stays away', async (_, options) => {
    await using fake = await createFake();
    const log = createMemoryLog();
    const plugin = await start({ program: fake.program, log, ...(options && { options }) });
    const { pid } = await askAt(plugin.endpoint.port);
    await plugin.stop();
    expect(hasEnded(pid)).toBe(true);
    await Bun.sleep(5 * TIMING.pauseMax);
    expect(log.events.filter(({ level }) => level !== 'debug').map(({ message }) => message)).toEqual([
      'the plugin runs',
    ]);
    expect(log.said('the plugin says').length).toBe(options === 'stubborn' ? 1 : 0);
    await plugin.stop();
  });

  test('stop() is not kept waiting by a pause before the next start', async () => {
    await using fake = await createFake();
    const log = createMemoryLog();
    const plugin = await start({ program: fake.program, log, timing: { pause: 1_000_000 } });
    process.kill((await askAt(plugin.endpoint.port)).pid, 'SIGKILL');
    await eventually('its death to be known', () => log.said('the plugin died; it is started again').length);
    await plugin.stop();
  });

  test('stop() ends one that is just being started', async () => {
    await using fake = await createFake();
    const pids: number[] = [];
    await Bun.write(fake.path('marker'), '');
    const plugin = await start({
      program: fake.program,
      runner: noting(pids),
      timing: { patience: 1_000_000 },
    });
    // From now on it is one that never listens.
    await Bun.write(fake.program, '#!/bin/sh\nexec sleep 1000\n');
    process.kill(pids[0]!, 'SIGKILL');
    await eventually('the second start', () => pids.length === 2);
    await plugin.stop();
    expect(pids.map(hasEnded)).toEqual([true, true]);
  });

  testNeeding(['linux'], 'a terminal has no say: it is in a session of its own', async () => {
    await using fake = await createFake();
    await using plugin = await started({ program: fake.program });
    const { pid } = await askAt(plugin.endpoint.port);
    const [, session] = /\) \S \d+ \d+ (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
    expect(Number(session)).toBe(pid);
  });
});

describeNeeding(['setpriv'], 'if we are killed', () => {
  test('the plugin ends', async () => {
    await using fake = await createFake();
    const script = new URL('scripts/start_and_wait.ts', import.meta.url).pathname;
    const parent = Bun.spawn([process.execPath, script, fake.program], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'inherit',
    });
    let pid: number;
    try {
      const { value } = await parent.stdout.getReader().read();
      pid = Number(Buffer.from(value!).toString());
      expect(hasEnded(pid)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
    await eventually('the plugin to end', () => hasEnded(pid));
  });
});

test('without setpriv it runs all the same, and what that means is said', async () => {
  await using fake = await createFake();
  const log = createMemoryLog();
  await using plugin = await started({ program: fake.program, runner: withoutSetpriv, log });
  expect((await askAt(plugin.endpoint.port)).env['SS_REMOTE_HOST']).toBe('192.0.2.1');
  expect(log.events[0]).toEqual({
    level: 'warn',
    message:
      'if snet is killed (SIGKILL), this plugin goes on running: there is no setpriv of util-linux here, which would end it',
    fields: { plugin: fake.program, reason: 'the program setpriv is not installed' },
  });
});

test('another setpriv, that does not know how, is none', async () => {
  await using fake = await createFake();
  const log = createMemoryLog();
  const busybox: Runner = {
    ...withoutSetpriv,
    run: () => Promise.resolve({ code: 1, stdout: '', stderr: 'setpriv: unrecognized option: pdeathsig\n' }),
  };
  await using _ = await started({ program: fake.program, runner: busybox, log });
  expect(log.events[0]!.fields['reason']).toBe('setpriv: unrecognized option: pdeathsig');
});

test('a fault of ours in looking for setpriv is not taken for its absence', async () => {
  await using fake = await createFake();
  const runner: Runner = { ...withoutSetpriv, run: () => Promise.reject(new TypeError('ours')) };
  const error: unknown = await start({ program: fake.program, runner }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
});

describe('locatePlugin()', () => {
  test.each([
    ['simple-obfs', 'obfs-local', 'simple-obfs'],
    ['v2ray-plugin', 'ss-v2ray-plugin', 'shadowsocks-v2ray-plugin'],
  ])('%s is %s, too, of the package %s', (program, otherName, name) => {
    expect(missingProgram(otherName).hint).toBe(`On Debian and Ubuntu: apt install ${name}`);
    try {
      expect(locatePlugin(program)).toMatch(new RegExp(`/(?:${otherName}|${program})$`));
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      expect(error.message).toStartWith(`no plugin ${program}, nor ${otherName}, in /`);
      expect(error.hint).toBe(missingProgram(otherName).hint);
    }
  });
});
