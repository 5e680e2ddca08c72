/** `snet run -c FILE` on a system that tells of a change of the network whenever it gets SIGUSR2. */
import { linux } from '../../src/app/platform/linux.ts';
import { runProgram } from '../../src/app/run.ts';
import { systemRunner } from '../../src/base/runner.ts';
import { loadConfig } from '../../src/config/load.ts';

const file = process.argv[2]!;
const load = async () => (await loadConfig({ file, overrides: [] })).config;
process.exitCode = await runProgram(
  await load(),
  { configFile: file, reload: load, version: 'test' },
  {
    ...linux(systemRunner),
    watchNetwork(changed) {
      const told = () => changed('SIGUSR2 came');
      process.on('SIGUSR2', told);
      return { stop: () => void process.off('SIGUSR2', told) };
    },
  },
);
