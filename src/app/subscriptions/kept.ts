/** The last good document of a subscription, on disk: what it says is used as long as no newer one can be had. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { explain } from '../../base/errors.ts';
import { makeOwnFolder, replaceFile } from '../../base/replace_file.ts';
import type { Config, SubscriptionConfig } from '../../config/config.ts';
import { Fault } from '../../config/leaf.ts';
import { parseSubscription, type BadEntry, type Subscription } from '../../config/subscription.ts';
import { stateDirectoryOf } from '../state_directory.ts';
import { SubscriptionError } from './error.ts';

export interface Keeping {
  /** Where what outlives a restart is kept. */
  readonly stateDirectory: string;
  /** Whether methods without authentication may be used. */
  readonly allowInsecureCiphers: boolean;
}

export function keepingOf(config: Pick<Config, 'dns' | 'allowInsecureCiphers'>): Keeping {
  const { allowInsecureCiphers } = config;
  return { stateDirectory: stateDirectoryOf(config), allowInsecureCiphers };
}

/** For people: the URL itself may be as good as a password. The file's name begins with the same digits. */
export function nameOf(one: SubscriptionConfig): string {
  return `the subscription ${digestOf(one, 12)} of ${new URL(one.url.reveal()).hostname}`;
}

/** The file that holds the document as it came. */
function fileOf(one: SubscriptionConfig, { stateDirectory }: Keeping): string {
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
  const text = await readFile(fileOf(one, keeping), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const found = parseSubscription(text, keeping.allowInsecureCiphers);
  return found instanceof Fault ? undefined : found;
}

/** Puts a document, as it came, in the place of the one before. @throws SubscriptionError */
export async function keepDocument(one: SubscriptionConfig, text: string, keeping: Keeping): Promise<void> {
  try {
    await makeOwnFolder(keeping.stateDirectory);
    await makeOwnFolder(join(keeping.stateDirectory, 'subscriptions'));
    await replaceFile(fileOf(one, keeping), text);
  } catch (cause) {
    throw new SubscriptionError('ERR_SUBSCRIPTION_KEEP', `${nameOf(one)} can't be kept`, { cause });
  }
}

/** What is kept of a subscription, for people. */
export interface KeptReport {
  readonly subscription: string;
  /** How many the document has that can be used; undefined: there is none, or none that can be read. */
  readonly upstreams?: number;
  readonly bad?: readonly BadEntry[];
  /** When it was fetched, as ISO 8601 has it. */
  readonly fetched?: string;
  /** Why there is none. */
  readonly problem?: string;
}

/** Never rejects. */
export async function reportKept(one: SubscriptionConfig, keeping: Keeping): Promise<KeptReport> {
  const subscription = nameOf(one);
  const path = fileOf(one, keeping);
  try {
    const [{ mtime }, text] = await Promise.all([stat(path), readFile(path, 'utf8')]);
    const found = parseSubscription(text, keeping.allowInsecureCiphers);
    if (found instanceof Fault) return { subscription, problem: `what is kept has ${found.found}` };
    const { upstreams, bad } = found;
    return { subscription, upstreams: upstreams.length, bad, fetched: mtime.toISOString() };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { subscription, problem: 'nothing is kept; it is fetched when snet runs' };
    const forRoot = code === 'EACCES' || code === 'EPERM';
    return { subscription, problem: forRoot ? 'only root may see what is kept' : explain(error) };
  }
}
