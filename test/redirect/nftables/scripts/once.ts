/** `clean` or `probe`, once; the result, or the error, as JSON on stdout. */
import { cleanNftables, probeNftables } from '../../../../src/redirect/nftables/nftables.ts';
import { report, say } from './plan.ts';

try {
  say(JSON.stringify(process.argv[2] === 'clean' ? await cleanNftables() : (probeNftables() ?? 'usable')));
} catch (error) {
  say(report(error));
}
