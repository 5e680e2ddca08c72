/** Files of the Go program, translated: `snet run -c old.json` works where this one can do what they ask for. */
import type { Scope } from './config.ts';
import { isObject, type Document, type Origin } from './document.ts';
import type { Problem } from './error.ts';
import { pathKey } from './jsonc.ts';
import { shown } from './leaf.ts';
import { translateDns, type Moved } from './legacy_dns.ts';
import { LEGACY_KEYS, NOT_YET } from './legacy_keys.ts';
import { translateUpstream } from './legacy_upstream.ts';
import { didYouMean } from './nearest.ts';
import { FILE } from './schema.ts';

export interface Translation {
  readonly document: Document;
  /** What the file asks for and the proxy works without. */
  readonly warnings: readonly string[];
  /** What the proxy cannot work without. */
  readonly problems: readonly Problem[];
}

/** Has it a key of the Go program, and none of ours? */
export function isLegacy(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.some((key) => LEGACY_KEYS.has(key)) && !keys.some((key) => Object.hasOwn(FILE.entries, key));
}

/** @param upstreamGiven true: the upstream comes from elsewhere, what the file says of it doesn't matter */
export function translate(source: Document, upstreamGiven: boolean): Translation {
  const file = isObject(source.value) ? source.value : {};
  const draft: Draft = { file, source, value: {}, origins: new Map(), warnings: [], problems: [] };
  if (!upstreamGiven) readUpstream(draft);
  readListener(draft);
  readScope(draft);
  readTimeout(draft);
  readBypass(draft);
  readDns(draft);
  warnOfTheRest(draft);
  const { value, origins, warnings, problems } = draft;
  const originOf: Document['originOf'] = (path) => {
    for (let length = path.length; length > 0; length--) {
      const origin = origins.get(pathKey(path.slice(0, length)));
      if (origin) return origin;
    }
    return source.originOf([]);
  };
  return { document: { value, originOf }, warnings, problems };
}

/** A translation under way. */
interface Draft {
  readonly file: Readonly<Record<string, unknown>>;
  readonly source: Document;
  readonly value: Record<string, unknown>;
  /** By {@link pathKey}: where the new value comes from. */
  readonly origins: Map<string, Origin>;
  readonly warnings: string[];
  readonly problems: Problem[];
}

function readUpstream(draft: Draft): void {
  const { moved, warnings, problem } = translateUpstream((key) => given(draft, key));
  move(draft, moved);
  for (const { key, text } of warnings) warn(draft, key, text);
  if (problem) refuse(draft, problem.key, problem.found, problem.expected, problem.hint);
}

function readListener(draft: Draft): void {
  const { 'listen-port': port, 'listen-host': host, mode } = draft.file;
  if (!isOff(port)) {
    draft.value['listen'] = { port };
    draft.origins.set('listen', originOfKey(draft, 'listen-port'));
  }
  if (!isOff(host) && host !== '127.0.0.1' && host !== 'localhost') {
    warn(draft, 'listen-host', 'not supported yet, ignored: snet listens on 127.0.0.1 and ::1');
  }
  if (!isOff(mode) && mode !== 'local') {
    const hint = mode === 'router' ? 'router mode is not supported yet' : undefined;
    refuse(draft, 'mode', shown(mode), '"local"', hint);
  }
}

function readScope(draft: Draft): void {
  const scope = draft.file['proxy-scope'];
  if (isOff(scope)) return;
  const now = typeof scope === 'string' ? SCOPE_NAMES.get(scope) : undefined;
  if (now !== undefined) {
    draft.value['scope'] = now;
    return;
  }
  const hint = typeof scope === 'string' ? didYouMean(scope, [...SCOPE_NAMES.keys()]) : undefined;
  refuse(draft, 'proxy-scope', shown(scope), '"bypassCN" or "global"', hint);
}

const SCOPE_NAMES: ReadonlyMap<string, Scope> = new Map([
  ['bypassCN', 'bypass-cn'],
  ['global', 'global'],
]);

function readTimeout(draft: Draft): void {
  const seconds = draft.file['proxy-timeout'];
  if (isOff(seconds)) return;
  if (typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds > 0) {
    draft.value['timeouts'] = { idle: `${seconds}s` };
    draft.origins.set('timeouts', originOfKey(draft, 'proxy-timeout'));
  } else {
    refuse(draft, 'proxy-timeout', shown(seconds), 'a whole number of seconds');
  }
}

function readBypass(draft: Draft): void {
  const hosts = draft.file['bypass-hosts'];
  if (isOff(hosts)) return;
  draft.value['bypass'] = hosts;
  draft.origins.set('bypass', originOfKey(draft, 'bypass-hosts'));
}

function readDns(draft: Draft): void {
  move(
    draft,
    translateDns((key) => given(draft, key)),
  );
}

/** Puts values in their new places; of two for one place the later counts, and undefined leaves it empty. */
function move(draft: Draft, moved: readonly Moved[]): void {
  for (const { path, from, value } of moved) {
    let at = draft.value;
    for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
    if (value === undefined) delete at[path.at(-1)!];
    else at[path.at(-1)!] = value;
    draft.origins.set(pathKey(path), originOfKey(draft, from));
  }
}

/** @returns undefined if the file doesn't say it, or says Go's zero value */
function given({ file }: Draft, key: string): unknown {
  return isOff(file[key]) ? undefined : file[key];
}

function warnOfTheRest(draft: Draft): void {
  for (const [key, value] of Object.entries(draft.file)) {
    const why = NOT_YET.get(key);
    if (why !== undefined && !isOff(value)) warn(draft, key, `not supported yet, ignored: ${why}`);
    if (LEGACY_KEYS.has(key)) continue;
    const near = didYouMean(key, [...LEGACY_KEYS]);
    warn(draft, key, near === undefined ? 'unknown key, ignored' : `unknown key, ignored: ${near}`);
  }
}

function originOfKey({ source }: Draft, key: string): Origin {
  return { where: source.originOf([key]).where, key };
}

function warn(draft: Draft, key: string, text: string): void {
  draft.warnings.push(`${originOfKey(draft, key).where}: ${key}: ${text}`);
}

function refuse(draft: Draft, key: string, found: string, expected: string, hint?: string): void {
  draft.problems.push({ ...originOfKey(draft, key), found, expected, hint });
}

/** Go's zero values: the same as a key that isn't there. */
function isOff(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
