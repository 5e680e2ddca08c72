/** A subscription's document: fetched, and the last good one kept on disk, for when no newer one can be had. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explain, SnetError } from '../../base/errors.ts';
import { makeOwnFolder, replaceFile } from '../../base/replace_file.ts';
import type { SubscriptionConfig } from '../../config/config.ts';
import { Fault } from '../../config/leaf.ts';
import { parseSubscription, type Subscription } from '../../config/subscription.ts';
import type { Upstreams } from '../../upstream/upstream.ts';
import { download, type Limits } from '../update/download.ts';
import { getThrough, type Get } from '../update/get.ts';
import { UpdateError, type UpdateStatus } from '../update/update_error.ts';

export type SubscriptionStatus =
  /** What came is no subscription, or none of it can be used. */
  | 'ERR_SUBSCRIPTION'
  /** The state directory can't be used. */
  | 'ERR_SUBSCRIPTION_KEEP';

export class SubscriptionError extends SnetError<SubscriptionStatus> {}

export interface Keeping {
  /** Where what outlives a restart is kept. */
  readonly stateDirectory: string;
  /** Whether methods without authentication may be used. */
  readonly allowInsecureCiphers: boolean;
}

/** For people: the URL itself may be as good as a password. The file's name begins with the same digits. */
export function nameOf(one: SubscriptionConfig): string {
  return `the subscription ${digestOf(one, 12)} of ${new URL(one.url.reveal()).hostname}`;
}

/** The file that holds the document as it came. */
export function keptAt(one: SubscriptionConfig, { stateDirectory }: Keeping): string {
  return join(stateDirectory, 'subscriptions', digestOf(one, 32));
}

function digestOf({ url }: SubscriptionConfig, length: number): string {
  return createHash('sha256').update(url.reveal()).digest('hex').slice(0, length);
}

/** @returns undefined if there is no document, or none that can be used */
export async function keptDocument(
  one: SubscriptionConfig,
  keeping: Keeping,
): Promise<Subscription | undefined> {
  const text = await readFile(keptAt(one, keeping), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const found = parseSubscription(text, keeping.allowInsecureCiphers);
  return found instanceof Fault ? undefined : found;
}

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

/** Puts a document in the place of the one before. @throws SubscriptionError */
export async function keepDocument(
  one: SubscriptionConfig,
  { text }: Fetched,
  keeping: Keeping,
): Promise<void> {
  try {
    await makeOwnFolder(keeping.stateDirectory);
    await makeOwnFolder(join(keeping.stateDirectory, 'subscriptions'));
    await replaceFile(keptAt(one, keeping), text);
  } catch (cause) {
    throw new SubscriptionError('ERR_SUBSCRIPTION_KEEP', `${nameOf(one)} can't be kept`, { cause });
  }
}

/** Another way may lead further. */
const DEPENDS_ON_WAY: ReadonlySet<UpdateStatus> = new Set([
  'ERR_UPDATE_UNREACHABLE',
  'ERR_UPDATE_TIMEOUT',
  'ERR_UPDATE_HTTP',
]);

async function fetchText(one: SubscriptionConfig, name: string, upstreams?: Upstreams): Promise<string> {
  const textBy = async (get: Get | undefined, called: string) => {
    const found = await download(one.url.reveal(), { limits: LIMITS, name: called, ...(get && { get }) });
    return found.changed ? Buffer.from(found.body).toString('utf8') : '';
  };
  try {
    return await textBy(undefined, name);
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
