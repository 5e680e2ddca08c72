import { expect, test } from 'bun:test';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { isRunning } from '../../../src/redirect/iptables/running.ts';
import { eventually } from '../../lab/eventually.ts';
import { folderForEach } from '../../lab/folder.ts';
import { testNeeding } from '../../needs.ts';

const proc = folderForEach();

function process_(pid: number | 'self', executable: string): void {
  mkdirSync(proc.file(String(pid)));
  symlinkSync(executable, proc.file(`${pid}/exe`));
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
  expect(isRunning(7, proc.path)).toBe(expected);
});

test('a process that has ended is none, nor is any where there is no procfs', () => {
  process_('self', '/usr/local/bin/snet');
  expect(isRunning(7, proc.path)).toBe(false);
  expect(isRunning(7, proc.file('nowhere'))).toBe(false);
});

testNeeding(['linux'], 'this process runs', () => {
  expect(isRunning(process.pid)).toBe(true);
});

testNeeding(['linux'], 'a zombie does not', async () => {
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
