/**
 * snet of macOS, on Linux: the program as it is, with a Mac made of a file in the place of the system's programs, and rules
 * of nftables that do to packets what the Mac's pf would. Of its commands only these:
 *
 *     snet.ts run -c FILE [--dies-after N] [--deaf-ioctl]
 *     snet.ts clean
 *
 * It dies right after the Nth call of a program of the Mac's; a deaf ioctl is one whose pointer never arrives.
 */
import { parseArgs } from 'node:util';
import { cleanMachine } from '../../../src/app/clean.ts';
import { darwin } from '../../../src/app/platform/darwin.ts';
import { runProgram } from '../../../src/app/run.ts';
import { systemRunner } from '../../../src/base/runner.ts';
import { endWithStdout, exit, exitCodeOf } from '../../../src/cli/exit.ts';
import { report } from '../../../src/cli/output.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { GUARDIAN_ARG, runGuardian } from '../../../src/redirect/guardian/guardian.ts';
import type { PfDevice } from '../../../src/inbound/natlook/pf_device.ts';
import { conntrackPf } from '../../inbound/natlook/conntrack_pf.ts';
import { FAULTS } from '../../inbound/natlook/fake_pf.ts';
import { FakeMac } from './fake_mac.ts';
import { MAC_INSIDE } from './mac_file.ts';
import type { MacState } from './mac_state.ts';
import { nftablesOf } from './pf_nftables.ts';
import { pfStates } from './pf_states.ts';

/** While the file is locked: no other process sees the Mac with rules that are not in the kernel. */
function actuate(state: MacState): void {
  const { success, stderr } = Bun.spawnSync(['nft', '-f', '-'], { stdin: Buffer.from(nftablesOf(state)) });
  if (!success) throw new Error(`nft: ${stderr.toString()}`);
}

function connections(): string[] {
  return ['ipv4', 'ipv6'].flatMap((family) =>
    pfStates(Bun.spawnSync(['conntrack', '-L', '-f', family]).stdout.toString()),
  );
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: command === 'run' ? args : [],
    options: {
      config: { type: 'string', short: 'c', default: '' },
      'dies-after': { type: 'string' },
      'deaf-ioctl': { type: 'boolean', default: false },
    },
  });
  const last = Number(values['dies-after']);
  const runner = new FakeMac(MAC_INSIDE).process({
    beyond: systemRunner,
    changed: actuate,
    connections,
    fault: ({ number }) => (number === last ? 'dies after' : undefined),
    die: () => process.kill(process.pid, 'SIGKILL'),
  });
  const pf = conntrackPf();
  const deaf: PfDevice = { ...pf, conventions: () => [{ name: 'ioctl', ioctl: FAULTS }] };
  const platform = darwin(runner, values['deaf-ioctl'] ? deaf : pf);
  if (command === GUARDIAN_ARG) return runGuardian((owner) => platform.undoAfter(owner));
  if (command === 'clean') {
    const removed = await cleanMachine(platform);
    process.stdout.write(removed.map((what) => `removed ${what}\n`).join(''));
    return 0;
  }
  const file = values.config;
  const load = async () => (await loadConfig({ file, overrides: [] })).config;
  return runProgram(await load(), { configFile: file, reload: load, version: 'test' }, platform);
}

endWithStdout();
try {
  exit(await main(process.argv.slice(2)));
} catch (error) {
  report(error);
  exit(exitCodeOf(error));
}
