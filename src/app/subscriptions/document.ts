/** The last good document of a subscription, on disk: what it says is used as long as no newer one can be had. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SnetError } from '../../base/errors.ts';
import { makeOwnFolder, replaceFile } from '../../base/replace_file.ts';
import type { SubscriptionConfig } from '../../config/config.ts';
import { Fault } from '../../config/leaf.ts';
import { parseSubscription, type Subscription } from '../../config/subscription.ts';
import { download, type Limits } from '../update/download.ts';

/** What came is no subscription, or none of it can be used. */
export class SubscriptionError extends SnetError<'ERR_SUBSCRIPTION'> {}

export interface Keeping {
  /** Where what outlives a restart is kept. */
  readonly stateDirectory: string;
  /** Whether methods without authentication may be used. */
  readonly allowInsecureCiphers: boolean;
}

/** For people, and for the file's name: the URL itself may be as good as a password. */
export function nameOf({ url }: SubscriptionConfig): string {
  const text = url.reveal();
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `the subscription ${digest} of ${new URL(text).hostname}`;
}

function pathOf({ url }: SubscriptionConfig, { stateDirectory }: Keeping): string {
  const digest = createHash('sha256').update(url.reveal()).digest('hex');
  return join(stateDirectory, 'subscriptions', digest.slice(0, 32));
}

/** @returns undefined if there is no document, or none that can be used */
export async function keptDocument(
  one: SubscriptionConfig,
  keeping: Keeping,
): Promise<Subscription | undefined> {
  const text = await readFile(pathOf(one, keeping), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const found = parseSubscription(text, keeping.allowInsecureCiphers);
  return found instanceof Fault ? undefined : found;
}

export const LIMITS: Limits = { size: 2 ** 20, idle: 10_000, total: 10_000 };

/**
 * Fetches a document, and keeps it if it is one.
 * @returns whether it says anything else than the one before
 * @throws UpdateError if it can't be fetched, SubscriptionError, Error of the system if it can't be kept
 */
export async function fetchDocument(one: SubscriptionConfig, keeping: Keeping): Promise<boolean> {
  const name = nameOf(one);
  const found = await download(one.url.reveal(), {}, LIMITS, name);
  const text = found.changed ? Buffer.from(found.body).toString('utf8') : '';
  const subscription = parseSubscription(text, keeping.allowInsecureCiphers);
  if (subscription instanceof Fault) {
    const { expected, found: what, hint } = subscription;
    throw new SubscriptionError('ERR_SUBSCRIPTION', `${name}: found ${what}, expected ${expected}`, { hint });
  }
  const path = pathOf(one, keeping);
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === text) return false;
  await makeOwnFolder(keeping.stateDirectory);
  await makeOwnFolder(join(keeping.stateDirectory, 'subscriptions'));
  await replaceFile(path, text);
  return true;
}
