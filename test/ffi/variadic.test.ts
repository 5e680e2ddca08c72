/**
 * Where the arguments of ioctl and fcntl lie when they are called. On a Mac with Apple's CPU they are looked for in the first
 * slot of the stack; the code that puts them there for Linux on arm64 is the same but for arguments of less than 8 bytes.
 */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { compile, runner, TARGETS } from '../../build.ts';
import { folderForAll } from '../lab/folder.ts';
import { describeNeeding } from '../needs.ts';
import type { Outcome } from './variadic_probe.ts';

const PROBE = new URL('variadic_probe.ts', import.meta.url).pathname;
/** All of the engine's compilers have had their turn by then. */
const ROUNDS = 150_000;
/** The self-test is right, too, about a function that looks for its pointer on the stack only. */
const RIGHT = { rounds: ROUNDS, wrong: {}, lost: { padded: 0, none: 2000, other: 2000 } };
const STAMP = { SNET_VERSION: '0', SNET_COMMIT: '0', SNET_BUILT: '0' };

async function probe(argv: readonly string[]): Promise<Outcome> {
  const child = Bun.spawn([...argv, String(ROUNDS)], { stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Outcome;
}

// The code that looks is of Linux: its system calls, and memory that is written and then executed.
describeNeeding(
  ['linux'],
  'the variadic argument is in the third register and where the ninth argument belongs, every time',
  () => {
    test('on this machine', async () => {
      expect(await probe([process.execPath, PROBE])).toEqual({ arch: process.arch, ...RIGHT });
    }, 60_000);
  },
);

const arm64 = TARGETS.find(({ name }) => name === 'linux-arm64')!;
const needs = ['qemu-aarch64', ...arm64.files.map((path) => `/usr/aarch64-linux-gnu${path}`)];

describeNeeding(process.arch === 'arm64' ? ['linux'] : ['linux', ...needs], 'the same', () => {
  const folder = folderForAll();

  test('on arm64, as an executable', async () => {
    const host = { platform: process.platform, arch: process.arch, has: existsSync };
    const how = runner(arm64, host);
    const executable = folder.file('probe');
    await compile(PROBE, arm64, executable, STAMP);
    expect(await probe([...('prefix' in how ? how.prefix : []), executable])).toEqual({
      arch: 'arm64',
      ...RIGHT,
    });
  }, 120_000);
});
