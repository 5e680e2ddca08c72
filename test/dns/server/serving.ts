/**
 * A listener with a resolver whose answers a test knows, as a program of its own: prints its port, then serves until it is
 * killed. All names are asked of one far resolver:
 *
 *   slow-MS….example  answers after so many milliseconds
 *   big-N.example     answers with N addresses
 *   memory.example    answers with the resident memory, in MiB, as 0.0.x.y
 *   others            answer 192.0.2.1 at once
 */
import type { Exchange } from '../../../src/dns/exchange/exchange.ts';
import { createCache } from '../../../src/dns/cache/cache.ts';
import { createVerdicts } from '../../../src/dns/cache/verdicts.ts';
import { createNamePolicy } from '../../../src/dns/policy.ts';
import type { Question } from '../../../src/dns/question.ts';
import { realClock } from '../../../src/base/clock.ts';
import { createResolver } from '../../../src/dns/resolver.ts';
import { listenDns } from '../../../src/dns/server/listener.ts';
import { createSplit } from '../../../src/dns/split.ts';
import { composeAddresses } from '../../../src/dns/wire/compose.ts';
import type { Address } from '../../../src/net/address.ts';
import { lists, PLAIN } from '../name_policy.ts';

const v4 = (...bytes: number[]): Address => ({ family: 4, bytes: Uint8Array.from(bytes) });

function addressesFor({ name }: Question): Address[] {
  const count = Number(/^big-(\d+)/.exec(name)?.[1] ?? 1);
  if (name !== 'memory.example') return Array.from({ length: count }, (_, i) => v4(192, 0, 2, i + 1));
  const mebibytes = process.memoryUsage.rss() >> 20;
  return [v4(0, 0, mebibytes >> 8, mebibytes & 0xff)];
}

const far: Exchange = {
  label: 'far',
  close: () => {},
  async ask(query, question) {
    const slow = /^slow-(\d+)/.exec(question.name)?.[1];
    if (slow !== undefined) await Bun.sleep(Number(slow));
    return composeAddresses(query, question, addressesFor(question), 1);
  },
};

const resolver = createResolver(
  {
    policy: createNamePolicy(PLAIN, lists({})),
    split: createSplit({
      exchanges: { china: far, trusted: far, local: far },
      unknown: 'trusted-only',
      verdicts: createVerdicts(),
      upstreamIPv6: true,
      clock: realClock,
      isChinese: () => false,
      isSpecial: () => false,
    }),
    strip: [],
    log: undefined,
  },
  {
    cache: createCache({ size: 8 << 20, minTtl: 0, maxTtl: 86_400, stale: 0, directory: undefined }, () =>
      performance.now(),
    ),
    memory: { record: () => {} },
    clock: realClock,
    failed: (error) => void process.stderr.write(`FAILED ${String(error)}\n`),
  },
);
const { port } = await listenDns({
  port: 0,
  resolve: resolver.resolve,
  failed: (error) => void process.stderr.write(`FAILED ${String(error)}\n`),
  holder: () => undefined,
});
process.stdout.write(`port ${port}\n`);
