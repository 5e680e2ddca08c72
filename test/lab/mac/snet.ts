/**
 * snet of macOS, on Linux: the program as it is, with a Mac made of a file in the place of the system's programs, and rules
 * of nftables that do to packets what the Mac's pf would. Of its commands only these:
 *
 *     snet.ts run -c FILE [--dies-before N | --dies-after N]     Nth call of a program of the Mac's
 *     snet.ts clean
 */
import { cleanMachine } from '../../../src/app/clean.ts';
import { darwin } from '../../../src/app/platform/darwin.ts';
import { runProgram } from '../../../src/app/run.ts';
import { systemRunner } from '../../../src/base/runner.ts';
import { endWithStdout, exit, exitCodeOf } from '../../../src/cli/exit.ts';
import { report } from '../../../src/cli/output.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { GUARDIAN_ARG, runGuardian } from '../../../src/redirect/guardian/guardian.ts';
import { conntrackPf } from '../../inbound/natlook/conntrack_pf.ts';
import { FakeMac, type Fault } from './fake_mac.ts';
import type { MacState } from './mac_state.ts';
import { MAC_INSIDE } from './namespace.ts';
import { nftablesOf } from './pf_nftables.ts';

/** While the file is locked: no other process sees the Mac with rules that are not in the kernel. */
function actuate(state: MacState): void {
  const { success, stderr } = Bun.spawnSync(['nft', '-f', '-'], { stdin: Buffer.from(nftablesOf(state)) });
  if (!success) throw new Error(`nft: ${stderr.toString()}`);
}

function macProcess(fault: Fault | undefined, at: number) {
  return new FakeMac(MAC_INSIDE).process({
    beyond: systemRunner,
    changed: actuate,
    fault: ({ number }) => (number === at ? fault : undefined),
    die: () => process.kill(process.pid, 'SIGKILL'),
  });
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  const [, file, flag, at] = args;
  const dies = flag === '--dies-before' ? 'dies before' : flag === '--dies-after' ? 'dies after' : undefined;
  const platform = darwin(macProcess(dies, Number(at)), conntrackPf());
  if (command === GUARDIAN_ARG) return runGuardian((owner) => platform.undoAfter(owner));
  if (command === 'clean') {
    const removed = await cleanMachine(platform);
    process.stdout.write(removed.map((what) => `removed ${what}\n`).join(''));
    return 0;
  }
  const load = async () => (await loadConfig({ file: file!, overrides: [] })).config;
  return runProgram(await load(), { configFile: file!, reload: load, version: 'test' }, platform);
}

endWithStdout();
try {
  exit(await main(process.argv.slice(2)));
} catch (error) {
  report(error);
  exit(exitCodeOf(error));
}
