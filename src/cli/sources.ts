/** Where the configuration comes from: flags and the environment, as overrides of the file. */
import type { Override } from '../config/document.ts';
import { ConfigError } from '../config/error.ts';
import { loadConfig, type LoadedWithFiles, type Sources } from '../config/load.ts';
import { UsageError } from './usage_error.ts';

/** Share links in the environment, with white space between: `ps` shows arguments to every user, the environment only to root and oneself. */
export const UPSTREAM_VARIABLE = 'SNET_UPSTREAM';

export interface Flags {
  readonly urls?: readonly string[] | undefined;
  readonly port?: string | undefined;
  readonly scope?: string | undefined;
  readonly bypass?: readonly string[] | undefined;
  readonly redirect?: string | undefined;
  readonly noDns?: boolean;
  readonly logLevel?: string | undefined;
}

/** The environment overrides the file, flags override both; `--bypass` adds to the file's list. */
export function overridesOf(flags: Flags, environment: NodeJS.ProcessEnv): Override[] {
  const all: Override[] = [
    upstreamOverride(linksIn(environment), UPSTREAM_VARIABLE),
    upstreamOverride(flags.urls ?? [], 'URL'),
    { path: ['listen', 'port'], value: numberOf(flags.port), where: '--port' },
    { path: ['scope'], value: flags.scope, where: '--scope' },
    { path: ['bypass'], value: flags.bypass, where: '--bypass' },
    { path: ['redirect', 'mechanism'], value: flags.redirect, where: '--redirect' },
    { path: ['dns'], value: flags.noDns ? false : undefined, where: '--no-dns' },
    { path: ['log', 'level'], value: flags.logLevel, where: '--log-level' },
  ];
  return all.filter(({ value }) => value !== undefined);
}

/** The share links that the environment has. */
export function linksIn(environment: NodeJS.ProcessEnv): string[] {
  return (environment[UPSTREAM_VARIABLE] ?? '').split(/\s+/).filter((link) => link !== '');
}

/** Upstreams instead of the file's; of several each is said by its number to be wrong. */
function upstreamOverride(links: readonly string[], where: string): Override {
  const value = links.length > 1 ? links : links[0];
  return { path: ['upstream'], value, where, replaces: true };
}

/**
 * @throws UsageError if only values of flags are wrong
 * @throws ConfigError
 */
export async function loadFrom(sources: Sources): Promise<LoadedWithFiles> {
  try {
    return await loadConfig(sources);
  } catch (error) {
    throw asUsage(error);
  }
}

/** What is wrong with values of flags alone is wrong with the command line. */
export function asUsage(error: unknown): unknown {
  const isUsage = error instanceof ConfigError && error.problems.every(({ where }) => where.startsWith('--'));
  return isUsage ? new UsageError(error.message) : error;
}

/** Text that is no number stays text: the schema says what is wrong with it. */
function numberOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : text;
}
