/** Does one thing with a subscription, in a process of its own, and tells what came of it, and what the log said. */
import { fetchDocument } from '../../../src/app/subscriptions/fetch.ts';
import { keepDocument, nameOf, type Keeping } from '../../../src/app/subscriptions/kept.ts';
import { withSubscriptions } from '../../../src/app/subscriptions/subscribed.ts';
import { download } from '../../../src/app/update/download.ts';
import { getThrough } from '../../../src/app/update/get.ts';
import { labelOf } from '../../../src/app/upstreams/one.ts';
import { explain, SnetError } from '../../../src/base/errors.ts';
import { line, silent, type Log } from '../../../src/base/log.ts';
import { Secret } from '../../../src/base/secret.ts';
import { loadText } from '../../../src/config/load.ts';
import { direct } from '../../../src/upstream/direct.ts';
import { single } from '../../../src/upstream/single.ts';
import { loopback } from '../../relay/harness.ts';

export interface Task {
  /** `start`: what the upstreams are, with those of the links. `renew`: fetch and keep. `get`: through an upstream. */
  readonly act: 'start' | 'renew' | 'get';
  readonly urls: readonly string[];
  readonly keeping: Keeping;
  readonly links?: readonly string[];
  /** There is an upstream, which leads to this port of loopback, whatever it is asked for. */
  readonly upstreamTo?: number | undefined;
}

export interface Outcome {
  /** Labels, or the text that came. */
  readonly result?: readonly string[];
  readonly status?: string;
  readonly message?: string;
  readonly log: readonly string[];
}

const task = (await Bun.stdin.json()) as Task;
const log: string[] = [];
const tell = (level: string) => (message: string, fields?: Parameters<Log['warn']>[1]) =>
  void log.push(`${level} ${line(message, fields)}`);
const telling: Log = { ...silent, error: tell('error'), warn: tell('warn'), info: tell('info') };

async function act({ act: what, urls, keeping, links = [], upstreamTo }: Task): Promise<string[]> {
  const subscriptions = urls.map((url) => ({ url: new Secret(url), refresh: 1 }));
  const upstreams =
    upstreamTo === undefined
      ? undefined
      : single({ ...direct, label: 'the upstream', endpoints: () => [loopback(upstreamTo)] });
  if (what === 'get') {
    const found = await download(urls[0]!, { get: getThrough(upstreams!), limits: LIMITS });
    return found.changed ? [Buffer.from(found.body).toString()] : [];
  }
  if (what === 'start') {
    const file = JSON.stringify({ upstream: links });
    const given = links.length === 0 ? [] : loadText({ name: 'f', text: file }).config.upstreams;
    const all = await withSubscriptions({ upstreams: given, subscriptions }, keeping, telling);
    return all.map(labelOf);
  }
  const [one] = subscriptions;
  log.push(nameOf(one!));
  const { text, subscription } = await fetchDocument(one!, keeping, upstreams);
  await keepDocument(one!, text, keeping);
  return subscription.upstreams.map(labelOf);
}

const LIMITS = { size: 1 << 20, idle: 2_000, total: 5_000 };

let outcome: Outcome;
try {
  outcome = { result: await act(task), log };
} catch (error) {
  outcome = { status: error instanceof SnetError ? error.status : 'none', message: explain(error), log };
}
process.stdout.write(JSON.stringify(outcome), () => process.exit());
