/** The demo as a user starts it, and what is left of it afterwards. */
import { afterAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { checkAddresses } from '../../src/demo/demo.ts';
import { namespaceOf, ORIGIN, ownerOf } from '../../src/demo/topology.ts';
import { NO_RANGES } from '../../src/net/ranges.ts';
import { builtinCnRanges } from '../../src/route/cn_ranges.ts';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';
import { rangesFrom } from '../net/ranges_from.ts';

interface Document {
  readonly ok: boolean;
  readonly lines: readonly { readonly step: string; readonly found: string; readonly ok: boolean }[];
}

describe('checkAddresses()', () => {
  test('the built-in table has the addresses where the demo takes them to be', () => {
    expect(() => checkAddresses(builtinCnRanges().ranges)).not.toThrow();
  });

  test('names those that a table has on the other side', () => {
    expect(() => checkAddresses(NO_RANGES)).toThrow(`${ORIGIN.china.v4}, ${ORIGIN.china.v6}`);
    const all = rangesFrom('0.0.0.0/0', '::/0');
    expect(() => checkAddresses(all)).toThrow(`${ORIGIN.world.v4}, ${ORIGIN.world.v6}`);
  });
});

describeNeeding(['root', 'ip'], 'snet demo', () => {
  const started: number[] = [];

  function start(args: readonly string[], env: Record<string, string> = {}) {
    const child = Bun.spawn(Netns.snet(['demo', ...args]), {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, ...env },
      // A session of its own, by which its children are found, whoever their parent is by then.
      detached: true,
    });
    started.push(child.pid);
    return child;
  }

  /** Namespaces of demos that this test started, and processes that belong to them. */
  function remains(): string[] {
    const namespaces = readdirSync('/run/netns').filter((name) => started.includes(ownerOf(name) ?? 0));
    return [...namespaces, ...started.flatMap(processesOf)];
  }

  afterAll(() => {
    for (const pid of started) {
      for (const site of ['client', 'origin', 'server'] as const) {
        Bun.spawnSync(['ip', 'netns', 'del', namespaceOf(pid, site)]);
      }
    }
  });

  test('shows every line right, whatever proxy the environment names, and leaves nothing', async () => {
    const child = start(['--json'], { http_proxy: 'http://127.0.0.1:9' });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { ok, lines } = JSON.parse(stdout) as Document;
    expect(lines.filter((line) => !line.ok)).toEqual([]);
    expect(ok).toBe(true);
    expect(lines.map(({ step, found }) => `${step}: ${found.split(',')[0]}`)).toEqual([
      'in China, IPv4: direct',
      'elsewhere, IPv4: proxy',
      'in China, IPv6: direct',
      'elsewhere, IPv6: proxy',
      'a large file: proxy',
      'proxy killed, IPv4: direct',
      'proxy killed, IPv6: direct',
      'left in the kernel: nothing',
    ]);
    expect(remains()).toEqual([]);
  });

  test('prints a table for people, and the progress beside it', async () => {
    const child = start([]);
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const rows = stdout.trimEnd().split('\n');
    expect(rows[0]).toMatch(/^STEP +WHAT +EXPECTED +FOUND +MS$/);
    expect(rows.slice(1).map((row) => row.slice(row.lastIndexOf(' ') + 1))).toEqual(Array(8).fill('ok'));
    expect(stderr).toContain('killing snet');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the middle of it leaves nothing', async (signal, code) => {
    const child = start([]);
    await untilSaid(child.stderr, /starting snet run/);
    child.kill(signal);
    expect(await child.exited).toBe(code);
    expect(await new Response(child.stdout).text()).toBe('');
    expect(remains()).toEqual([]);
  });

  test('after a SIGKILL, the next demo removes what was left', async () => {
    const killed = start([]);
    await untilSaid(killed.stderr, /fetching/);
    killed.kill('SIGKILL');
    await killed.exited;
    expect(remains()).not.toEqual([]);
    const next = start(['--json']);
    await new Response(next.stdout).text();
    expect(await next.exited).toBe(0);
    expect(remains()).toEqual([]);
  });
});

/** Command lines of the processes in a session, which has the pid of the process that began it. */
function processesOf(session: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const { state, session: its } = statOf(pid);
      // A zombie has ended; who has adopted it may take its time to notice.
      return its === session && state !== 'Z';
    })
    .map((pid) => readOr(`/proc/${pid}/cmdline`, '').replaceAll('\0', ' '));
}

/** proc(5): `pid (comm) state ppid pgrp session …`; the comm may hold anything. */
function statOf(pid: string): { state: string | undefined; session: number } {
  const stat = readOr(`/proc/${pid}/stat`, '');
  const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state, session: Number(session) };
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

async function untilSaid(stream: ReadableStream<Uint8Array>, wanted: RegExp): Promise<void> {
  let said = '';
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`it ended after saying: ${said}`);
    said += Buffer.from(value).toString();
    if (wanted.test(said)) return;
  }
}
