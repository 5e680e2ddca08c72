/** Raises the file limit of this process; prints what was returned, and what the kernel shows. */
import { readFileSync } from 'node:fs';
import { raiseFileLimit } from '../../ffi/rlimit.ts';

const result = raiseFileLimit();
const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))!;
process.stdout.write(JSON.stringify({ result, kernel: [Number(soft), Number(hard)] }));
