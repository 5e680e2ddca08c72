/** What a file of the Go program says of names, as the file's own `dns` says it. */
import type { Path } from './jsonc.ts';

/** A value that goes elsewhere, and the old key that it comes from. */
export interface Moved {
  readonly path: Path;
  readonly from: string;
  readonly value: unknown;
}

/**
 * Zero values, which mean nothing, are left out by the caller's `given`. Values of wrong types go on as they are: the
 * schema says what is wrong with them.
 * @param given the value of a key; undefined if the file doesn't say it
 */
export function translateDns(given: (key: string) => unknown): Moved[] {
  const moved: Moved[] = [];
  const move = (from: string, to: (value: unknown) => Iterable<readonly [Path, unknown]>) => {
    const value = given(from);
    if (value === undefined) return;
    for (const [path, translated] of to(value))
      moved.push({ path: ['dns', ...path], from, value: translated });
  };
  move('cn-dns', (server) => [[['china'], [server]]]);
  // Through the proxy, over TCP, as the Go program did.
  move('fq-dns', (server) => [[['trusted'], [typeof server === 'string' ? `tcp://${server}` : server]]]);
  move('enforce-ttl', (seconds) => {
    const ttl = typeof seconds === 'number' ? `${seconds}s` : seconds;
    return [
      [['cache', 'min-ttl'], ttl],
      [['cache', 'max-ttl'], ttl],
    ];
  });
  move('disable-qtypes', (types) => KINDS.map((kind) => [['refuse-types', kind], types] as const));
  move('force-fq', (patterns) => [[['names', 'foreign'], eachPattern(patterns)]]);
  move('host-map', (hosts) => [[['hosts'], hosts]]);
  move('block-hosts', (patterns) => [[['block'], eachPattern(patterns)]]);
  move('block-host-file', (path) => [[['lists', 'block'], [path]]]);
  move('dns-logging-file', (path) => [[['log'], path]]);
  return moved;
}

const KINDS = ['china', 'foreign', 'unknown'] as const;

/** The Go program took `*example.com`, too, as a suffix; with one character missing, but nobody can have wanted that. */
function eachPattern(patterns: unknown): unknown {
  if (!Array.isArray(patterns)) return patterns;
  return patterns.map((text: unknown) => (typeof text === 'string' ? text.replace(/^\*(?!\.)/, '*.') : text));
}
