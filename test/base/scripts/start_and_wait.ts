/** Starts a child that lives until its stdin ends, says its pid, and waits to be killed. */
import { systemRunner } from '../../../src/base/runner.ts';

const child = systemRunner.start(['cat'], { detached: true });
process.stdout.write(`${child.pid}\n`);
await child.exited;
