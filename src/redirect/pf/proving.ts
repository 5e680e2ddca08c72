/** Whether the rules catch what programs do, found out by connections of our own; and what follows if they don't. */
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import type { Endpoint } from '../../net/address.ts';
import { RedirectError } from '../redirect.ts';
import type { InForce } from './in_force.ts';
import { describeFacts, gatherFacts, judge } from './preflight.ts';

/** See src/inbound/proof.ts. */
export interface RuleProofs {
  /** Where its connections go: nobody is there. */
  readonly destinations: readonly Endpoint[];
  run(families: readonly (4 | 6)[]): Promise<ReadonlyMap<4 | 6, 'caught' | 'missed' | 'no route'>>;
}

export interface ProvingOptions {
  readonly runner: Runner;
  readonly log: Log;
  readonly proofs: RuleProofs;
  /** What becomes of IPv6 where redirecting it is seen not to work. */
  readonly ipv6Fallback: 'block' | 'direct';
}

export interface Proving {
  /**
   * Proves the families that are redirected and not proven yet. What is not caught the second time either is not: IPv6 gets
   * its fallback.
   * @param networkChanged so IPv6 that has its fallback is redirected again and proven anew: a network may have nothing else
   * @throws RedirectError ERR_REDIRECT_INEFFECTIVE if IPv4 is not caught; or that of loading rules with the fallback
   */
  prove(rules: InForce, networkChanged?: boolean): Promise<void>;
  /** What was proven may be so no more. */
  doubt(): void;
  /** IPv4 could not even be tried the last time: there may be a route by now, without anybody having told us. */
  readonly waits: boolean;
}

export function createProving({ runner, log, proofs, ipv6Fallback }: ProvingOptions): Proving {
  const proven = new Set<4 | 6>();
  let waits = false;
  let saidFallback = false;

  async function run(families: readonly (4 | 6)[]) {
    try {
      return await proofs.run(families);
    } catch (error) {
      log.warn('what the rules do could not be proven', { reason: explain(error) });
      return new Map<4 | 6, never>();
    }
  }

  return {
    async prove(rules, networkChanged = false) {
      const again = networkChanged && rules.ipv6 === ipv6Fallback;
      if (again) {
        proven.delete(6);
        await rules.load('redirect');
      }
      const redirected = rules.ipv6 === 'redirect' ? ([4, 6] as const) : ([4] as const);
      const families = redirected.filter((family) => !proven.has(family));
      if (families.length === 0) return;
      const first = await run(families);
      // A machine that has just started, or woken up, may be too busy to take it in time.
      const late = families.filter((family) => first.get(family) === 'missed');
      const results = late.length === 0 ? first : new Map([...first, ...(await run(late))]);
      for (const [family, result] of results) {
        if (result === 'caught') proven.add(family);
        if (result === 'no route' && family === 6) {
          log.debug('there is no route for IPv6: what the rules do is proven when there is one');
        }
      }
      if (results.get(4) === 'no route' && !waits) {
        // What a rule of pf blocks fails in the same way: pf_inet_hook() in xnu's bsd/net/pf_ioctl.c.
        log.info(
          'there is no route for IPv4, or a filter blocks it: what the rules do is proven when there is one',
        );
      }
      waits = families.includes(4) && results.get(4) === 'no route';
      if (results.get(4) === 'missed') throw await ineffective(runner);
      if (results.get(6) !== 'missed') {
        if (again && results.get(6) === 'caught') log.info('pf brings us IPv6 on this network');
        saidFallback &&= !proven.has(6);
        return;
      }
      await rules.load(ipv6Fallback);
      if (saidFallback) return;
      saidFallback = true;
      log.warn(
        ipv6Fallback === 'block'
          ? 'pf does not bring us IPv6 here: new connections over it are refused, so that programs take IPv4'
          : 'pf does not bring us IPv6 here: connections over it go straight out, past the proxy, as configured',
      );
    },

    doubt() {
      proven.clear();
    },

    get waits() {
      return waits;
    },
  };
}

/** With what stands out on this machine. @throws RedirectError if pfctl can't be asked */
async function ineffective(runner: Runner): Promise<RedirectError> {
  const facts = await gatherFacts(runner);
  const [problem] = judge(facts);
  const why = problem?.message ?? describeFacts(facts);
  return new RedirectError(
    'ERR_REDIRECT_INEFFECTIVE',
    `the rules are in pf, but a connection that they should have caught did not come to us: ${why}`,
    {
      hint:
        problem?.hint ??
        'Another product’s filter may come first: try without VPN and firewall applications. After an update of macOS a restart has helped others.',
    },
  );
}
