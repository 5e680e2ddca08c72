/**
 * The real thing, on a real Mac: `sudo bun test/mac/real.ts --snet FILE --report FOLDER [--title TEXT] [--skip PATTERN]
 * [--v4 ADDRESS] [--v6 ADDRESS] [--config JSON]`, the addresses of web servers, and keys for snet's file.
 *
 *     curl, dig ──▶ pf ──▶ snet run ──▶ snet server (in snet's group, so pf lets it out) ──▶ the Internet
 *
 * Each step that fails is told of and the next one is tried. The folder gets all that was said and seen; report.md is the
 * summary. It changes the Mac: it is for a machine that is thrown away, such as a runner of GitHub's.
 * @see .github/workflows/macos.yml
 */
import { appendFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_GID } from '../../src/config/schema.ts';
import { collect } from './evidence.ts';
import { roadOfIpv6 } from './ipv6_road.ts';
import { differences, readPfState, renderPfState, type PfState } from './pf_state.ts';
import { lastOf, runToEnd, startBeside, within, type Beside } from './program.ts';
import { annotations, factsOfLog, renderReport, type Facts } from './report.ts';
import { NotHere, runSteps, type Step } from './steps.ts';

const SERVER_PORT = 18388;
const PASSWORD = 'of-this-run-alone';
const LINK = `ss://aes-256-gcm:${PASSWORD}@127.0.0.1:${SERVER_PORT}`;
/** That of the IPv6 address below. */
const V6_BLOCK = '2606:4700:4700::/48';
/** In 192.0.2.0/24, where nothing is: what answers there is snet. */
const NOBODY = '192.0.2.53';
const FILE = 'https://speed.cloudflare.com';
const BULK = 20_000_000;

/** Milliseconds. */
const START = 60_000;
const STOP = 30_000;
/** The watchdog looks every 30 s. */
const WATCHED = 60_000;

const options = {
  snet: { type: 'string' },
  report: { type: 'string' },
  title: { type: 'string', default: 'macOS' },
  /** Steps that are left out. */
  skip: { type: 'string', default: '^$' },
  // They answer on port 80 by their addresses alone.
  v4: { type: 'string', default: '1.1.1.1' },
  v6: { type: 'string', default: '2606:4700:4700::1111' },
  config: { type: 'string', default: '{}' },
} as const;

async function main(): Promise<number> {
  const { snet, report: folder, title, skip, v4, v6, config } = parseArgs({ options }).values;
  if (snet === undefined || folder === undefined || process.getuid?.() !== 0) {
    process.stderr.write('usage: sudo bun test/mac/real.ts --snet FILE --report FOLDER [--title TEXT]\n');
    return 2;
  }
  await mkdir(folder, { recursive: true });
  const say = (line: string) => process.stdout.write(`${line}\n`);

  await collect(folder, 'before');
  const { steps, facts, end } = stepsOn({
    snet,
    folder,
    v4,
    v6,
    config: JSON.parse(config) as object,
  });
  const wanted = steps.map((step) => (new RegExp(skip).test(step.name) ? leftOut(step) : step));
  const outcomes = await runSteps(wanted, ({ name, result, detail, ms }) => {
    say(
      `${result.padEnd(7)} ${name} (${ms} ms)${detail === '' ? '' : `\n        ${detail.replaceAll('\n', '\n        ')}`}`,
    );
  });
  await end();
  await collect(folder, 'after');
  const page = renderReport(title, await facts(), outcomes);
  await writeFile(join(folder, 'report.md'), page);
  const summary = process.env['GITHUB_STEP_SUMMARY'];
  if (summary) appendFileSync(summary, page);
  if (process.env['GITHUB_ACTIONS']) annotations(title, outcomes).forEach(say);
  return outcomes.some(({ result }) => result === 'FAILED') ? 1 : 0;
}

interface Plan {
  readonly steps: readonly Step[];
  readonly facts: () => Promise<Facts>;
  /** Ends whatever still runs. */
  readonly end: () => Promise<void>;
}

interface Place {
  readonly snet: string;
  readonly folder: string;
  readonly v4: string;
  readonly v6: string;
  readonly config: object;
}

function leftOut({ name }: Step): Step {
  return { name, run: () => Promise.reject(new NotHere('as asked')) };
}

/** The steps, in an order in which each finds what those before it left, or says that it doesn't. */
function stepsOn({ snet, folder, v4, v6, config }: Place): Plan {
  const stdoutOf = async (argv: readonly string[]) => (await runToEnd(argv)).stdout;
  const look = () => readPfState(stdoutOf);
  const runLog = join(folder, 'snet-run.log');
  let before: PfState | undefined;
  let server: Beside | undefined;
  let program: Beside | undefined;
  let firstLog: string | undefined;
  const road = roadOfIpv6(runToEnd, v6, V6_BLOCK);

  const serving = () => server ?? fail('there is no server');
  const running = () => (program?.running ? program : fail('snet is not running'));

  const file = join(folder, 'snet.json');
  const configure = (more: object = {}) =>
    writeFile(
      file,
      JSON.stringify({ upstream: LINK, scope: 'global', log: { level: 'debug' }, ...config, ...more }),
      { mode: 0o600 },
    );

  /** Has it read another file while it runs. */
  async function reload(more?: object): Promise<void> {
    const since = running().said().length;
    await configure(more);
    running().signal('SIGHUP');
    await running().says(/ reloaded.*/, START, since);
  }

  /** Starts `snet run`, and waits until it says that it is ready. */
  async function begin(): Promise<string> {
    await configure();
    program = startBeside([snet, 'run', '-c', file], runLog);
    const began = performance.now();
    await program.says(/ ready .*/, START);
    firstLog ??= program.said();
    return `after ${Math.round(performance.now() - began)} ms`;
  }

  /** Fetches, and waits for the server to tell of it. @returns what curl and the server said */
  async function carried(argv: readonly string[], target: RegExp, mayFail = false): Promise<string> {
    running();
    const from = serving().said().length;
    const { code, said } = await runToEnd(argv);
    if (code !== 0 && !mayFail) fail(`curl ${code}: ${lastOf(said, 3)}`);
    const line = await serving()
      .says(target, 15_000, from)
      .catch(() => undefined);
    const how = `curl ${code}: ${lastOf(said, 3)}\nserver: ${line ?? 'nothing'}`;
    return line === undefined ? fail(how) : how;
  }

  /** Fetches past the server. */
  async function direct(): Promise<string> {
    const from = serving().said().length;
    const { code, said } = await runToEnd(curl('-4', `http://${v4}/`));
    if (code !== 0) fail(`curl ${code}: ${lastOf(said)}`);
    if (serving().said().slice(from).includes(v4)) fail('the server carried it');
    return lastOf(said, 2);
  }

  /** All must be as it was before the first start. @param milliseconds it may take until then */
  async function asBefore(milliseconds: number): Promise<string> {
    const was = before ?? fail('what was before is not known');
    let differ: string[] = [];
    await within(milliseconds, async () => {
      differ = differences(was, await look());
      return differ.length === 0 || undefined;
    });
    return differ.length === 0 ? 'as it was' : fail(differ.join('\n'));
  }

  const viaIp = () =>
    carried(curl('-4', `http://${v4}/`), new RegExp(`.*target="?${v4.replaceAll('.', '\\.')}:80.*`));
  /** Again and again, until it is caught. */
  async function caughtAgain(): Promise<string> {
    running();
    const began = performance.now();
    const how = await within(WATCHED, () => viaIp().catch(() => undefined));
    return how === undefined
      ? fail('no connection was caught')
      : `after ${Math.round(performance.now() - began)} ms`;
  }

  async function stop(): Promise<string> {
    running().signal('SIGTERM');
    const code = await running().ended(STOP);
    return code === 0 ? 'exit code 0' : fail(`exit code ${code}:\n${lastOf(program!.said())}`);
  }

  async function kill(alsoGuardian: boolean): Promise<string> {
    const { pid } = running();
    const guardians = (await stdoutOf(['pgrep', '-P', String(pid)])).split('\n').filter(Boolean).map(Number);
    process.kill(pid, 'SIGKILL');
    if (alsoGuardian) guardians.forEach((guardian) => process.kill(guardian, 'SIGKILL'));
    await program!.ended(STOP);
    return `killed ${pid}; its children were ${guardians.join(', ') || 'none'}`;
  }

  const steps: Step[] = [
    { name: 'the kernel and codesign take the executable', run: () => takes(snet) },
    {
      name: 'the state before',
      async run() {
        before = await look();
        await writeFile(join(folder, 'state-before.txt'), renderPfState(before));
        return `pf is ${before.get('pf')?.join()}`;
      },
    },
    { name: 'a way for IPv6', run: () => road.make() },
    {
      name: 'a Shadowsocks server',
      async run() {
        const argv = [snet, 'server', '--listen', `127.0.0.1:${SERVER_PORT}`, '--method', 'aes-256-gcm'];
        const inGroup = [process.execPath, join(import.meta.dir, 'in_group.ts'), String(DEFAULT_GID)];
        server = startBeside([...inGroup, ...argv, '--log-level', 'debug'], join(folder, 'snet-server.log'), {
          SNET_PASSWORD: PASSWORD,
        });
        return server.says(/ ready .*/, START);
      },
    },
    { name: 'without snet, the Internet is there', run: direct },
    { name: 'snet starts', run: begin },
    { name: 'IPv4 goes through the server', run: viaIp },
    { name: 'IPv6 goes through the server', run: () => viaIpv6() },
    {
      name: 'HTTPS by name goes through the server',
      run: () => carried(curl('-4', 'https://www.apple.com/'), /.*target="?\S+:443.*/),
    },
    {
      name: 'a download',
      run: () => speed(['-o', '/dev/null', `${FILE}/__down?bytes=${BULK}`], 'speed_download'),
    },
    {
      name: 'an upload',
      async run() {
        const file = join(folder, 'bulk.bin');
        await writeFile(file, new Uint8Array(BULK));
        return speed(['-o', '/dev/null', '--data-binary', `@${file}`, `${FILE}/__up`], 'speed_upload');
      },
    },
    { name: 'DNS over UDP is caught, whomever it asks', run: () => digs() },
    { name: 'DNS over TCP is caught, whomever it asks', run: () => digs('+tcp') },
    { name: 'the system resolves', run: () => resolves() },
    { name: 'snet status', run: async () => lastOf(succeeded(await runToEnd([snet, 'status'])).said) },
    {
      name: 'what is seen while it runs',
      async run() {
        await collect(folder, 'while');
        return (await look()).get('our filter rules')?.join('\n') ?? '';
      },
    },
    {
      name: 'a reload has a destination go straight out, and another one no more',
      async run() {
        await reload({ bypass: [`${v4}/32`] });
        const how = await direct();
        await reload();
        await viaIp();
        return how;
      },
    },
    {
      name: 'it mends its rules when pf.conf is loaded anew',
      async run() {
        succeeded(await runToEnd(['pfctl', '-f', '/etc/pf.conf']));
        return caughtAgain();
      },
    },
    {
      name: 'it turns pf on again when another turns it off',
      async run() {
        // All tokens become invalid, and pf stays off at the end: not where somebody else has it on.
        if (before?.get('pf')?.[0] !== 'disabled') throw new NotHere('pf was on before');
        succeeded(await runToEnd(['pfctl', '-d']));
        return caughtAgain();
      },
    },
    { name: 'SIGKILL', run: () => kill(false) },
    { name: 'after SIGKILL all is as before', run: () => asBefore(STOP) },
    { name: 'after SIGKILL the network is there', run: direct },
    { name: 'snet starts a second time', run: begin },
    { name: 'and catches', run: viaIp },
    { name: 'SIGKILL, and the guardian too', run: () => kill(true) },
    {
      name: 'snet clean',
      async run() {
        const { said } = succeeded(await runToEnd([snet, 'clean']));
        return `${said.trim()}\n${await asBefore(0)}`;
      },
    },
    { name: 'after snet clean the network is there', run: direct },
    { name: 'snet starts a third time', run: begin },
    { name: 'SIGKILL, and the guardian too, again', run: () => kill(true) },
    { name: 'snet starts over what is left', run: begin },
    { name: 'and catches again', run: viaIp },
    { name: 'SIGTERM ends it', run: stop },
    { name: 'after the end all is as before', run: () => asBefore(0) },
    { name: 'after the end the network is there', run: direct },
    {
      name: 'snet clean finds nothing',
      run: async () => succeeded(await runToEnd([snet, 'clean'])).said.trim(),
    },
  ];

  /** The server may have no way to it: that it was asked for it is what counts. */
  async function viaIpv6(): Promise<string> {
    if (!(await road.isThere())) throw new NotHere('this Mac has no route for IPv6');
    return carried(curl('-6', `http://[${v6}]/`), new RegExp(`.*target="?\\[${v6}\\]:80.*`), true);
  }

  return {
    steps,
    async facts() {
      const version = await stdoutOf(['sw_vers', '-productVersion']);
      const machine = await stdoutOf(['uname', '-m']);
      return [
        ['macOS', version.trim()],
        ['machine', machine.trim()],
        ['executable', snet],
        ...factsOfLog(firstLog ?? program?.said() ?? ''),
      ];
    },
    async end() {
      if (program?.running) program.signal('SIGTERM');
      await program?.ended(STOP).catch(() => program?.signal('SIGKILL'));
      server?.signal('SIGTERM');
      await server?.ended(STOP).catch(() => server?.signal('SIGKILL'));
      await runToEnd([snet, 'clean']);
      await road.remove();
    },
  };
}

function curl(...args: readonly string[]): string[] {
  return [
    'curl',
    '-sS',
    '--max-time',
    '20',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code} from %{remote_ip} in %{time_total} s\\n',
    ...args,
  ];
}

async function takes(snet: string): Promise<string> {
  const version = succeeded(await runToEnd([snet, 'version'])).said.trim();
  const verified = succeeded(
    await runToEnd(['codesign', '--verify', '--strict', '--verbose=4', snet]),
  ).said.trim();
  return `${version}\n${verified}`;
}

async function speed(args: readonly string[], figure: string): Promise<string> {
  const { stdout } = succeeded(
    await runToEnd(['curl', '-4', '-sS', '--max-time', '50', '-w', `%{${figure}}`, ...args]),
  );
  return `${(Number(stdout) / 1e6).toFixed(1)} MB/s`;
}

async function digs(...flags: readonly string[]): Promise<string> {
  const asked = await runToEnd(['dig', `@${NOBODY}`, '+time=5', '+tries=2', ...flags, 'www.apple.com', 'A']);
  return (
    /^www\.apple\.com\..*\n(?:.*\n)*?.*\bA\t[\d.]+$/m.exec(succeeded(asked).stdout)?.[0] ??
    fail(lastOf(asked.said))
  );
}

/** By the way that programs take: mDNSResponder. */
async function resolves(): Promise<string> {
  const { said } = succeeded(await runToEnd(['dscacheutil', '-q', 'host', '-a', 'name', 'www.apple.com']));
  return said.includes('ip_address') ? lastOf(said, 4) : fail(`no address:\n${said}`);
}

function succeeded<T extends { readonly code: number | null; readonly said: string }>(ended: T): T {
  return ended.code === 0 ? ended : fail(`exit code ${ended.code}:\n${lastOf(ended.said)}`);
}

function fail(why: string): never {
  throw new Error(why);
}

if (import.meta.main) process.exitCode = await main();
