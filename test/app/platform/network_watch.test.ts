import { afterEach, beforeEach, expect, test } from 'bun:test';
import { watchNetwork } from '../../../src/app/platform/network_watch.ts';
import { RunError, systemRunner, type Child, type Runner } from '../../../src/base/runner.ts';
import { createFakeClock, type FakeClock } from '../../base/fake_clock.ts';
import { eventually } from '../../lab/eventually.ts';

const DEFAULT =
  '\nRTM_ADD: Add Route: len 140, pid: 86, seq 1, errno 0, flags:<UP,GATEWAY,DONE>\n' +
  'locks:  inits: \nsockaddrs: <DST,GATEWAY>\n default 192.168.1.1\n';
const ADDRESS =
  '\nRTM_NEWADDR: address being added to iface: len 112, metric 0, flags:<UP>\n' +
  'sockaddrs: <NETMASK,IFA>\n 255.255.255.0 192.168.1.5\n';

/** A monitor in the hands of the test. */
interface Monitor {
  print(text: string): void;
  end(code: number, complaint?: string): void;
  readonly killed: string[];
}

let clock: FakeClock;
/** How much later it is by the time of day than by the clock: what was slept through. */
let slept: number;
let monitors: Monitor[];
let isMissing: boolean;
let told: string[];
let lines: string[];
let watch: { stop(): void };

const runner: Runner = {
  run: () => Promise.reject(new TypeError('nothing is to be run')),
  start(argv) {
    expect(argv).toEqual(['route', '-n', 'monitor']);
    if (isMissing) throw new RunError('ERR_RUN_MISSING', 'the program route is not installed');
    const exited = Promise.withResolvers<number>();
    const killed: string[] = [];
    const outputs: ReadableStreamDefaultController<Uint8Array>[] = [];
    const stream = () =>
      new ReadableStream<Uint8Array>({ start: (controller) => void outputs.push(controller) });
    const child: Child = {
      pid: 1,
      stdin: { write() {}, flush() {}, end() {} },
      stdout: stream(),
      stderr: stream(),
      exited: exited.promise,
      kill: (signal) => void killed.push(signal),
    };
    const [stdout, stderr] = outputs;
    monitors.push({
      killed,
      print: (text) => stdout!.enqueue(Buffer.from(text)),
      end(code, complaint = '') {
        if (complaint !== '') stderr!.enqueue(Buffer.from(complaint));
        for (const output of outputs) output.close();
        exited.resolve(code);
      },
    });
    return child;
  },
};

const say =
  (level: string) =>
  (message: string, fields: object = {}) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);

function begin() {
  watch = watchNetwork({
    runner,
    clock,
    timeOfDay: () => 1_800_000_000_000 + clock.now() + slept,
    changed: (what) => told.push(`${clock.now()} ${what}`),
    log: { warn: say('warn'), debug: say('debug') },
  });
}

beforeEach(() => {
  clock = createFakeClock();
  [slept, monitors, isMissing, told, lines] = [0, [], false, [], []];
});
afterEach(() => watch.stop());

test('tells once what happens together, when it has settled', async () => {
  begin();
  monitors[0]!.print(DEFAULT);
  await clock.pass(500);
  monitors[0]!.print(ADDRESS + DEFAULT);
  await clock.pass(999);
  expect(told).toEqual([]);
  await clock.pass(1);
  expect(told).toEqual(['1500 the default route changed, an address came']);
  await clock.pass(60_000);
  expect(told).toHaveLength(1);
});

test('tells in the midst of it, if it never settles', async () => {
  begin();
  for (let i = 0; i < 25; i++) {
    monitors[0]!.print(DEFAULT);
    await clock.pass(500);
  }
  expect(told.map((line) => Number.parseInt(line, 10))).toEqual([5_000, 10_000]);
});

test('understands what comes in pieces', async () => {
  begin();
  for (const letter of DEFAULT) monitors[0]!.print(letter);
  await clock.pass(1_000);
  expect(told).toEqual(['1000 the default route changed']);
});

test('notices that the machine was asleep', async () => {
  begin();
  await clock.pass(60_000);
  slept = 9_000;
  await clock.pass(10_000);
  expect(told).toEqual([]);
  slept += 3_600_000;
  await clock.pass(6_000);
  expect(told).toEqual(['76000 the machine was asleep, or its clock was set']);
});

test('a clock that is set back is no sleep', async () => {
  begin();
  slept = -3_600_000;
  await clock.pass(60_000);
  expect(told).toEqual([]);
});

test('starts the monitor again when it ends, ever more slowly', async () => {
  begin();
  monitors[0]!.end(1, 'route: socket: Operation not permitted\n');
  await clock.pass(999);
  expect(monitors).toHaveLength(1);
  expect(lines).toEqual([
    'warn changes of the network are not noticed at the moment ' +
      '{"program":"route -n monitor","reason":"route: socket: Operation not permitted","again":"in 1 s"}',
  ]);
  await clock.pass(1);
  expect(monitors).toHaveLength(2);
  monitors[1]!.end(64);
  await clock.pass(2_000);
  expect(monitors).toHaveLength(3);
  expect(lines[1]).toStartWith('debug ');
  expect(lines[1]).toContain('exit code 64');
  monitors[2]!.print(DEFAULT);
  await clock.pass(1_000);
  expect(told).toHaveLength(1);
  // It has lived long: what happens now has nothing to do with that.
  await clock.pass(60_000);
  monitors[2]!.end(0);
  await clock.pass(1_000);
  expect(monitors).toHaveLength(4);
  expect(lines[2]).toStartWith('warn ');
});

test('tries again for a monitor that is missing, at most once a minute', async () => {
  isMissing = true;
  begin();
  await clock.pass(600_000);
  expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  expect(lines.length).toBeWithin(12, 17);
  slept = 60_000;
  await clock.pass(10_000);
  expect(told).toHaveLength(1);
});

test('stopped, it ends the monitor, says nothing more and waits for nothing', async () => {
  begin();
  monitors[0]!.print(DEFAULT);
  await clock.pass(10);
  watch.stop();
  expect(monitors[0]!.killed).toEqual(['SIGTERM']);
  expect(clock.waiting).toBe(0);
  monitors[0]!.print(DEFAULT);
  monitors[0]!.end(143);
  await clock.pass(600_000);
  expect([told, lines, monitors.length]).toEqual([[], [], 1]);
});

test('with a real program: follows it, and ends it', async () => {
  const real: { child?: Child } = {};
  const script = 'printf \'%s\' "$0"; exec sleep 600';
  watch = watchNetwork({
    runner: {
      ...systemRunner,
      start: (_, options) => (real.child = systemRunner.start(['sh', '-c', script, DEFAULT], options)),
    },
    changed: (what) => told.push(what),
    log: { warn: say('warn'), debug: say('debug') },
  });
  await eventually('the change to be told', () => told.length > 0);
  expect(told).toEqual(['the default route changed']);
  watch.stop();
  expect(await real.child!.exited).toBe(143);
});
