/** `clean` or `probe`, once; the result, or the error, as JSON on stdout. */
import { systemRunner } from '../../../../src/base/runner.ts';
import { cleanIptables, probeIptables } from '../../../../src/redirect/iptables/iptables.ts';
import { report, say } from '../../nftables/scripts/plan.ts';

try {
  const result = process.argv[2] === 'clean' ? cleanIptables : probeIptables;
  say(JSON.stringify((await result(systemRunner)) ?? 'usable'));
} catch (error) {
  say(report(error));
}
