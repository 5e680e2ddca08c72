/** A resolver for one question, where no snet runs: the same rules, nothing kept, nothing caught. */
import { realClock } from '../base/clock.ts';
import { silent } from '../base/log.ts';
import { createCache } from '../dns/cache/cache.ts';
import { createVerdicts } from '../dns/cache/verdicts.ts';
import { createResolver } from '../dns/resolver.ts';
import { createNameMemory } from '../net/name_memory.ts';
import { buildDns } from './build_dns.ts';
import { buildPolicy } from './build_policy.ts';
import type { ConfigWithDns } from './dns_service.ts';
import { reportOf, type NameReport } from './name_report.ts';
import { hostPlatform } from './platform/select_platform.ts';

/**
 * @returns undefined if the text can't be a name
 * @throws as {@link buildPolicy} and {@link buildDns}
 */
export async function explainOnce(
  config: ConfigWithDns,
  name: string,
  type: number,
): Promise<NameReport | undefined> {
  const unlogged = { ...config, dns: { ...config.dns, log: undefined } };
  const policy = await buildPolicy(unlogged, silent);
  try {
    const rules = await buildDns(unlogged, policy, createVerdicts({ bytes: SMALL }), silent, {
      nameservers: hostPlatform.nameservers,
      domainsChanged: () => {},
    });
    try {
      const resolver = createResolver(rules, {
        cache: createCache({ ...config.dns.cache, size: SMALL }, () => realClock.now()),
        memory: createNameMemory({ bytes: SMALL }),
        clock: realClock,
        failed: () => {},
      });
      const explanation = await resolver.explain(name, type);
      return explanation && reportOf(name, type, explanation);
    } finally {
      rules.close();
    }
  } finally {
    await policy.stop();
  }
}

/** Bytes: for one answer. */
const SMALL = 1 << 20;
