/**
 * Rules of advertisement blockers (help.adblockplus.org/hc/en-us/articles/360062733293) as far as they are about whole
 * names; and of AutoProxy, which gfwlist is written in, where they are about addresses of pages.
 */
import { normalName } from './name.ts';
import { NOTHING, plainRule, type Reading } from './rule.ts';

/** What changes nothing for a resolver; any other option narrows the rule to some requests of some pages. */
const HARMLESS_OPTIONS: ReadonlySet<string> = new Set(['important', 'all', 'document', 'doc']);

const WHOLE_NAME = /^\|\|([^/^$*|]+|\*\.[^/^$*|]+)\^?\|?(?:\$(.*))?$/;

/** A line that begins with `!`, `@@`, `|` or `/`, or any of a list of such. `||name^` holds for all below the name, too. */
export function adblockRule(line: string): Reading {
  if (/^[![]/.test(line)) return NOTHING;
  const exception = line.startsWith('@@');
  const [, name, options] = WHOLE_NAME.exec(exception ? line.slice(2) : line) ?? [];
  if (name === undefined) return 'ignored';
  if (options?.split(',').some((option) => !HARMLESS_OPTIONS.has(option.trim()))) return 'ignored';
  const reading = plainRule(name, 'suffix', exception);
  return typeof reading === 'object' && 'why' in reading ? 'ignored' : reading;
}

/** Hides elements of pages: `example.com##.banner`, with `@`, `?`, `$` or `%` between the signs for its variants. */
export function isCosmetic(line: string): boolean {
  return /^[^#]*[^#\s]#[@?$%]{0,2}#/.test(line);
}

/**
 * A line of AutoProxy (the format's own text: github.com/gfwlist/gfwlist/wiki/Syntax). A page that is blocked makes the whole
 * name one that is asked abroad: the resolver doesn't see paths. One that is excepted does not.
 */
export function autoProxyRule(line: string): Reading {
  if (/^[![]/.test(line)) return NOTHING;
  const exception = line.startsWith('@@');
  const pattern = exception ? line.slice(2) : line;
  if (pattern.startsWith('/')) return 'ignored';
  const [, host = '', rest = ''] =
    /^\|{0,2}(?:https?:\/\/)?(?:\*?\.)?([^/^$%:*?|]*)(.*)$/i.exec(pattern) ?? [];
  // A wildcard in the name, a word that may stand anywhere in an address, an address that is a number.
  if (rest.startsWith('*') || !host.includes('.')) return 'ignored';
  if (exception && !/^[/^]?$/.test(rest)) return 'ignored';
  const name = normalName(host);
  return name === undefined ? 'ignored' : [{ name, suffix: true, exception }];
}
