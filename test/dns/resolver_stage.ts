/** A resolver with scripted sides and a clock of its own, for tests. */
import { createCache } from '../../src/dns/cache/cache.ts';
import { createNamePolicy, type PolicyConfig } from '../../src/dns/policy.ts';
import type { QueryLine } from '../../src/dns/query_log.ts';
import type { Question, Side } from '../../src/dns/question.ts';
import { createResolver, type ResolverRules } from '../../src/dns/resolver.ts';
import { createSplit } from '../../src/dns/split.ts';
import { formatAddress, type Address } from '../../src/net/address.ts';
import { createVerdicts } from '../../src/dns/cache/verdicts.ts';
import { createFakeClock } from '../base/fake_clock.ts';
import { lists, PLAIN } from './name_policy.ts';
import { scripted, type Line } from './scripted_exchange.ts';

export type Scripts = Partial<Record<Side, (question: Question) => readonly Line[]>>;

/** China is 11.0.0.0/8 here. */
const isChinese = ({ bytes }: Address) => bytes[0] === 11;
const isSpecial = ({ bytes }: Address) => bytes[0] === 127;

/** Names below `.cn.example` are Chinese, below `.abroad.example` foreign. */
export function stage(
  scripts: Scripts,
  config: Partial<PolicyConfig> = {},
  {
    strip = [],
    limit,
    cacheSize = 1 << 20,
  }: { strip?: ResolverRules['strip']; limit?: number; cacheSize?: number } = {},
) {
  const clock = createFakeClock();
  const exchangeFor = (side: Side) => scripted(side, clock, (question) => scripts[side]?.(question) ?? []);
  const exchanges = {
    china: exchangeFor('china'),
    trusted: exchangeFor('trusted'),
    local: exchangeFor('local'),
  };
  const logged: QueryLine[] = [];
  const remembered: string[] = [];
  const failures: unknown[] = [];
  const policy = createNamePolicy(
    { ...PLAIN, ...config },
    lists({ china: 'cn.example', foreign: 'abroad.example' }),
  );
  const split = createSplit({
    exchanges,
    unknown: 'race',
    verdicts: createVerdicts({ bytes: 1 << 16, clock: () => clock.now() }),
    upstreamIPv6: policy.config.upstreamIPv6,
    clock,
    isChinese,
    isSpecial,
  });
  const cache = createCache(
    { size: cacheSize, minTtl: 0, maxTtl: 86_400, stale: 3_600, directory: undefined },
    () => clock.now(),
  );
  const log = { write: (line: QueryLine) => void logged.push(line), close: () => {} };
  const rules: ResolverRules = { policy, split, strip, log };
  const resolver = createResolver(rules, {
    cache,
    clock,
    memory: {
      record: (address, name, ttl) => void remembered.push(`${formatAddress(address)} ${name} ${ttl}`),
    },
    failed: (error) => void failures.push(error),
    ...(limit === undefined ? {} : { limit }),
  });
  return { clock, resolver, rules, exchanges, logged, remembered, failures };
}
