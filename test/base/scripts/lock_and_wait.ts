/** Takes the lock in the folder of the argument, says `locked` or why not, and waits to be killed. */
import { acquireInstanceLock } from '../../../src/base/instance_lock.ts';

try {
  acquireInstanceLock(process.argv[2]);
  process.stdout.write('locked\n');
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
await Bun.stdin.text();
