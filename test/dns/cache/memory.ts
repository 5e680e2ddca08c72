/** Fills a cache with 100,000 names and prints, as JSON, how many it holds and by how much the process grew. */
import { createCache } from '../../../src/dns/cache/cache.ts';
import type { Question } from '../../../src/dns/question.ts';
import { composeAddresses } from '../../../src/dns/wire/compose.ts';
import { queryFor, readQuery } from '../../../src/dns/wire/query.ts';

const NAMES = 100_000;
const CONFIG = { minTtl: 0, maxTtl: 86_400, stale: 86_400, directory: undefined };

function* answers(): Generator<{ readonly question: Question; readonly message: Uint8Array }> {
  const addresses = Array.from({ length: 4 }, (_, i) => ({
    family: 4 as const,
    bytes: Uint8Array.of(192, 0, 2, i),
  }));
  for (let i = 0; i < NAMES; i++) {
    const query = queryFor(`host-${i}.some-site-${i % 977}.example.com`, 1)!;
    const { question } = readQuery(query);
    if (question) yield { question, message: composeAddresses(query, question, addresses, 300) };
  }
}

/** Without garbage; the allocator gives pages back some time after they are free. */
async function resident(): Promise<number> {
  Bun.gc(true);
  await Bun.sleep(1000);
  Bun.gc(true);
  return process.memoryUsage.rss();
}

// Making the messages takes memory too, which is there already when the real ones are made.
const small = createCache({ ...CONFIG, size: 4096 }, () => 0);
for (let round = 0; round < 3; round++)
  for (const { question, message } of answers()) small.store(question, message, 'china');

const before = await resident();
const cache = createCache({ ...CONFIG, size: 36 << 20 }, () => 0);
for (const { question, message } of answers()) cache.store(question, message, 'china');
const grown = (await resident()) - before;
process.stdout.write(JSON.stringify({ count: cache.count, grown }));
