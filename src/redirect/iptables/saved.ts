/** Reads what iptables-save prints, for what is ours in it. */

export interface Found {
  /** Chains of ours. */
  readonly chains: readonly string[];
  /** Rules that lead there from elsewhere, as iptables-save has them: `-A OUTPUT … -j SNET-123`. */
  readonly jumps: readonly string[];
}

/**
 * Finds chains, and the jumps into them, in the table nat.
 * @param saved output of iptables-save or ip6tables-save, of this table or of all
 */
export function findOurs(saved: string, isOurs: (chain: string) => boolean): Found {
  const table = natOf(saved);
  const chains = table
    .filter((line) => line.startsWith(':'))
    .map((line) => line.slice(1, line.indexOf(' ')))
    .filter(isOurs);
  const jumps = table.filter((line) => {
    const [, chain, target] = /^-A (\S+)(?:.*) -[jg] (\S+)/.exec(unquoted(line)) ?? [];
    return chain !== undefined && !chains.includes(chain) && target !== undefined && chains.includes(target);
  });
  return { chains, jumps };
}

/** For `iptables-restore --noflush`: takes out what was found, in one transaction. A rule that has gone meanwhile fails it. */
export function renderRemoval({ chains, jumps }: Found): string {
  return [
    '*nat',
    ...jumps.map((rule) => rule.replace(/^-A/, '-D')),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
    'COMMIT',
    '',
  ].join('\n');
}

function natOf(saved: string): string[] {
  const lines = saved.split('\n');
  const start = lines.indexOf('*nat');
  if (start < 0) return [];
  return lines.slice(start + 1, lines.indexOf('COMMIT', start));
}

/** Without what stands in quotes: a comment may hold anything. */
function unquoted(rule: string): string {
  return rule.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
}
