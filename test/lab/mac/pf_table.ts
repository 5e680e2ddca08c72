/** Addresses as pf's tables have them: in pf.conf, in files, and on pfctl's command line. */
import { hasHostBits, parseCidr } from '../../../src/net/cidr.ts';
import type { TableEntry } from './pf_ruleset.ts';

/** PF_TABLE_NAME_SIZE of xnu's pfvar.h, with the zero byte at its end. */
export const TABLE_NAME_SIZE = 32;
/** PFR_KENTRY_HIWAT of xnu's pfvar.h: what all tables together may hold. */
export const TABLE_ENTRIES = 200_000;

/**
 * Reads `ADDRESS`, `ADDRESS/BITS` or either behind a `!`. No names: pfctl would ask the resolver for them.
 * @returns undefined if it is none
 */
export function readEntry(text: string): TableEntry | undefined {
  const negated = text.startsWith('!');
  const cidr = parseCidr(text.slice(negated ? 1 : 0).trimStart());
  // The kernel's pfr_validate_addr() wants zeroes behind the prefix.
  return cidr && !hasHostBits(cidr) ? { negated, cidr } : undefined;
}

/**
 * Reads a file of a table as pfr_next_token() of pfctl_radix.c does: entries between spaces, `#` and `;` begin a comment.
 * @returns undefined if a single one is bad: pfctl takes none of them then
 */
export function readTableFile(text: string): TableEntry[] | undefined {
  const entries: TableEntry[] = [];
  for (const line of text.split('\n')) {
    const words = line.replace(/[#;].*$/, '').split(/\s+/);
    for (const word of words.filter(Boolean)) {
      const entry = readEntry(word);
      if (!entry) return undefined;
      entries.push(entry);
    }
  }
  return entries;
}
