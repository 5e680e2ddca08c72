/** `bun test/mac/mac_program.ts NAME ARGS…`: a program of the Mac that is made of a file, as a program. For the rehearsal. */
import { systemRunner } from '../../src/base/runner.ts';
import { FakeMac } from '../lab/mac/fake_mac.ts';
import { MAC_INSIDE } from '../lab/mac/namespace.ts';
import { nftablesOf } from '../lab/mac/pf_nftables.ts';

const mac = new FakeMac(MAC_INSIDE).process({
  beyond: systemRunner,
  changed(state) {
    Bun.spawnSync(['nft', '-f', '-'], { stdin: Buffer.from(nftablesOf(state)) });
  },
});
const { code, stdout, stderr } = await mac.run(process.argv.slice(2));
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
