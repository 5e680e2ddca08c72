/** Holds the rules of the plan in the argument in the form for kernels without fib. Says `done`, or why not. */
import { connect } from '../../../../src/redirect/nftables/connection.ts';
import { ruleset } from '../../../../src/redirect/nftables/ruleset.ts';
import { planOf, say } from './plan.ts';

const connection = connect();
const refusal = connection.transact(ruleset(planOf(process.argv[2]!), 'oif'));
say(refusal ? JSON.stringify(refusal) : 'done');
// Until it is killed.
await Bun.stdin.text();
connection.close();
