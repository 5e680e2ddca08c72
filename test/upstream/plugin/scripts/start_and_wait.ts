/** Starts the plugin of the argument, says its pid, and waits to be killed. */
import { silent } from '../../../../src/base/log.ts';
import { systemRunner } from '../../../../src/base/runner.ts';
import { parseAddress } from '../../../../src/net/address.ts';
import { startPlugin } from '../../../../src/upstream/plugin/plugin.ts';
import { askAt } from '../fake.ts';

const remote = () => [{ address: parseAddress('192.0.2.1')!, port: 8388 }];
const plugin = await startPlugin(
  { program: process.argv[2]!, options: undefined, remote },
  systemRunner,
  silent,
);
process.stdout.write(`${(await askAt(plugin.endpoint.port)).pid}\n`);
await Bun.sleep(60_000);
