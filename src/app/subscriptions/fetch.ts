/** A subscription's document, from where it is published: directly, or through what upstreams there are. */
import { explain } from '../../base/errors.ts';
import type { SubscriptionConfig } from '../../config/config.ts';
import { Fault } from '../../config/leaf.ts';
import { parseSubscription, type Subscription } from '../../config/subscription.ts';
import type { Upstreams } from '../../upstream/upstream.ts';
import { download, type Limits } from '../update/download.ts';
import { getDirectly, getThrough, type Get } from '../update/get.ts';
import { UpdateError, type UpdateStatus } from '../update/update_error.ts';
import { SubscriptionError } from './error.ts';
import { nameOf, type Keeping } from './kept.ts';

/** Whoever starts snet waits for as long. */
const LIMITS: Limits = { size: 2 ** 20, idle: 10_000, total: 10_000 };

export interface Fetched {
  /** As it came. */
  readonly text: string;
  readonly subscription: Subscription;
}

/**
 * @param upstreams by which it is fetched where that can't be done directly
 * @throws UpdateError if it can't be fetched, SubscriptionError if it is none
 */
export async function fetchDocument(
  one: SubscriptionConfig,
  { allowInsecureCiphers }: Keeping,
  upstreams?: Upstreams,
): Promise<Fetched> {
  const name = nameOf(one);
  const text = await fetchText(one, name, upstreams);
  const subscription = parseSubscription(text, allowInsecureCiphers);
  if (!(subscription instanceof Fault)) return { text, subscription };
  const { expected, found, hint } = subscription;
  throw new SubscriptionError('ERR_SUBSCRIPTION', `${name}: found ${found}, expected ${expected}`, { hint });
}

/** Another way may lead further. */
const DEPENDS_ON_WAY: ReadonlySet<UpdateStatus> = new Set([
  'ERR_UPDATE_UNREACHABLE',
  'ERR_UPDATE_TIMEOUT',
  'ERR_UPDATE_HTTP',
]);

async function fetchText(one: SubscriptionConfig, name: string, upstreams?: Upstreams): Promise<string> {
  const textBy = async (get: Get, called: string) => {
    const found = await download(one.url.reveal(), { limits: LIMITS, name: called, get });
    return found.changed ? Buffer.from(found.body).toString('utf8') : '';
  };
  try {
    return await textBy(getDirectly, name);
  } catch (error) {
    if (!upstreams || !(error instanceof UpdateError) || !DEPENDS_ON_WAY.has(error.status)) throw error;
    try {
      return await textBy(getThrough(upstreams), 'it');
    } catch (cause) {
      if (!(cause instanceof UpdateError)) throw cause;
      const { status, hint } = cause;
      const message = `${explain(error)}; through ${upstreams.label}, ${explain(cause)}`;
      throw new UpdateError(status, message, { hint });
    }
  }
}
