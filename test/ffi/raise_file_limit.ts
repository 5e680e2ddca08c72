/** Lowers its own file limits to 256 and 512, raises them; prints what was returned, and what the kernel shows. */
import { readFileSync } from 'node:fs';
import { raiseFileLimit } from '../../ffi/rlimit.ts';

function inForce(): number[] {
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))!;
  return [Number(soft), Number(hard)];
}

// Only now: the runtime itself raises the soft limit when it starts.
Bun.spawnSync(['prlimit', `--pid=${process.pid}`, '--nofile=256:512']);
const before = inForce();
const result = raiseFileLimit();
process.stdout.write(JSON.stringify({ before, result, after: inForce() }));
