import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../../../src/redirect/iptables/running.ts';
import { eventually } from '../../lab/eventually.ts';

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'snet-proc-'));
});
afterEach(() => rmSync(proc, { recursive: true }));

function process_(pid: number | 'self', executable: string): void {
  mkdirSync(join(proc, String(pid)));
  symlinkSync(executable, join(proc, String(pid), 'exe'));
}

test.each([
  ['/usr/bin/snet', true],
  ['/root/snet', true],
  ['/usr/bin/snet (deleted)', true],
  ['/usr/bin/nginx', false],
  ['/usr/bin/snet-exporter', false],
])('a process of %s is one of ours: %p', (executable, expected) => {
  process_('self', '/usr/local/bin/snet');
  process_(7, executable);
  expect(isRunning(7, proc)).toBe(expected);
});

test('a process that has ended is none, nor is any where there is no procfs', () => {
  process_('self', '/usr/local/bin/snet');
  expect(isRunning(7, proc)).toBe(false);
  expect(isRunning(7, join(proc, 'nowhere'))).toBe(false);
});

test('this process runs', () => {
  expect(isRunning(process.pid)).toBe(true);
});

test('a zombie does not', async () => {
  // Nobody asks for the child's exit code: the shell has become another program by then.
  const script = `${process.execPath} -e 0 & echo $!; exec sleep 60`;
  const parent = Bun.spawn(['sh', '-c', script], { stdout: 'pipe' });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  await eventually('a zombie', () => /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
  expect(isRunning(pid)).toBe(false);
  parent.kill('SIGKILL');
  await parent.exited;
});
