/** What any program on the client does: fetches URLs, knowing nothing of a proxy. */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { explain } from '../base/errors.ts';
import { DIGEST_HEADER, PEER_HEADER } from './origin.ts';

const PATIENCE_MS = 5_000;

const fetchedSchema = v.variant('answered', [
  v.object({
    answered: v.literal(true),
    url: v.string(),
    /** From the call until the last byte. */
    ms: v.number(),
    /** Of them, from the first header until the last byte. */
    bodyMs: v.number(),
    bytes: v.number(),
    /** Whom the origin saw. */
    peer: v.string(),
    /** Whether the body's digest is the one that the origin announced. */
    intact: v.boolean(),
  }),
  v.object({ answered: v.literal(false), url: v.string(), ms: v.number(), problem: v.string() }),
]);

/** How one fetch went. */
export type Fetched = v.InferOutput<typeof fetchedSchema>;

/** Reads what {@link fetchAll} has printed. */
export function parseFetched(lines: string): Fetched[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => v.parse(fetchedSchema, JSON.parse(line)));
}

/** Fetches one after the other; prints each result as one line of JSON. */
export async function fetchAll(
  urls: readonly string[],
  print: (line: string) => Promise<void>,
): Promise<void> {
  for (const url of urls) await print(JSON.stringify(await fetchOne(url)));
}

async function fetchOne(url: string): Promise<Fetched> {
  const start = performance.now();
  const since = (then: number) => Math.round((performance.now() - then) * 100) / 100;
  try {
    const response = await fetch(url, {
      redirect: 'error',
      keepalive: false,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const bodyStart = performance.now();
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return {
      answered: true,
      url,
      ms: since(start),
      bodyMs: since(bodyStart),
      bytes,
      peer: response.headers.get(PEER_HEADER) ?? '',
      intact: response.status === 200 && hash.digest('hex') === response.headers.get(DIGEST_HEADER),
    };
  } catch (error) {
    return { answered: false, url, ms: since(start), problem: explain(error) };
  }
}
