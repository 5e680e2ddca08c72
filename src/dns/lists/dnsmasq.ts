/** Options of dnsmasq(8) that are about names: `server=/example.com/example.org/192.0.2.1`. */
import { normalName } from './name.ts';
import { NOTHING, type ListRule, type Reading } from './rule.ts';

const OPTION = /^([a-z][a-z-]*)=(.*)$/;
const ABOUT_NAMES: ReadonlySet<string> = new Set(['server', 'local', 'address', 'ipset', 'nftset']);

/** @returns undefined if it is no option at all */
export function dnsmasqRules(line: string): Reading | undefined {
  const [, option, value = ''] = OPTION.exec(line) ?? [];
  if (option === undefined) return undefined;
  if (!ABOUT_NAMES.has(option) || !value.startsWith('/')) return 'ignored';
  const names = value.split('/').slice(1);
  // Behind the last slash; an address may be left out, the slash may not.
  const target = names.pop();
  if (names.length === 0) return { why: `${option}=/NAME/ is not closed by a slash` };
  // `#` stands for the servers that all other names are sent to (dnsmasq(8), --server).
  const exception = option === 'server' && target === '#';
  const rules: ListRule[] = [];
  for (const written of names) {
    // Stands for names without a dot, which no list is about.
    if (written === '') continue;
    const name = normalName(written.replace(/^\*?\./, ''));
    if (name === undefined) return { why: 'not a domain name between the slashes' };
    rules.push({ name, suffix: true, exception });
  }
  return rules.length === 0 ? NOTHING : rules;
}
