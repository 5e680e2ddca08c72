/**
 * Reads what pfctl prints. The texts are those of macOS 13 to 26, as its users have reported them; numbers of a token go
 * beyond 2^53, so it stays text.
 */

/** `Token : 11012949885072952621`, from what `pfctl -E` says on stderr. @returns undefined if there is none */
export function tokenIn(stderr: string): string | undefined {
  return /^Token\s*:\s*(\d{1,20})\s*$/m.exec(stderr)?.[1];
}

/** `Status: Enabled for 0 days 00:00:00 …`, of `pfctl -s info`. @returns undefined if it says neither */
export function isEnabledIn(info: string): boolean | undefined {
  const [, status] = /^Status:\s+(Enabled|Disabled)\b/m.exec(info) ?? [];
  return status === undefined ? undefined : status === 'Enabled';
}

/** `lo0 (skip)`, of `pfctl -s Interfaces -i lo0 -v`: pf looks at nothing there. */
export function isSkippedIn(interfaces: string, name: string): boolean {
  return interfaces.split('\n').some((line) => line.startsWith(`${name} `) && line.includes('(skip)'));
}

export interface Reference {
  readonly token: string;
  /** Seconds that it has been held for. */
  readonly age: number;
  /** Who took it: mostly `pfctl`, long gone. */
  readonly program: string;
}

/**
 * Who wants pf to be on, of `pfctl -s References`:
 *
 *     TOKENS:
 *     PID      Process Name                 TOKEN                    TIMESTAMP
 *     4063     pfctl                        15053025338191571182     0 days 00:00:00
 *
 * @returns undefined if it is neither that nor `No pf starter references held`: nothing is known then
 */
export function referencesIn(listing: string): Reference[] | undefined {
  const lines = listing
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.includes('No pf starter references held')) return [];
  const header = lines.indexOf('TOKENS:');
  if (header < 0) return undefined;
  const found: Reference[] = [];
  for (const line of lines.slice(header + 1)) {
    if (/^PID\s/.test(line)) continue;
    const [, program, token, days, hours, minutes, seconds] =
      /^-?\d+\s+(.*?)\s+(\d{1,20})\s+(\d+) days? (\d+):(\d+):(\d+)$/.exec(line) ?? [];
    if (program === undefined || token === undefined) return undefined;
    const age = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
    found.push({ token, age, program });
  }
  return found;
}

export interface MainRuleset {
  /** It has `rdr-anchor "com.apple/*"` and `anchor "com.apple/*"`: without both nobody asks our rules. */
  readonly asksUs: boolean;
  /** Internet Sharing, or a virtual machine's network, has put in anchors of its own. */
  readonly sharing: boolean;
  /** Filter rules of others that come before ours, as pfctl prints them. */
  readonly ahead: readonly string[];
  /** Filter rules of others that block, wherever they stand: somebody's firewall. */
  readonly blocks: readonly string[];
}

const OURS = 'anchor "com.apple/*"';

/** The main ruleset, of `pfctl -sn` and `pfctl -sr`. */
export function mainRulesetIn(translation: string, filter: string): MainRuleset {
  const translates = translation.split('\n').some((line) => line.startsWith(`rdr-${OURS}`));
  // What is scrubbed stands among the filter rules.
  const rules = filter.split('\n').filter((line) => line !== '' && !/^(?:no )?scrub/.test(line));
  const place = rules.findIndex((line) => line.startsWith(OURS));
  return {
    asksUs: translates && place >= 0,
    sharing: `${translation}\n${filter}`.includes('anchor "com.apple.internet-sharing'),
    ahead: rules
      .slice(0, Math.max(place, 0))
      .filter((line) => !line.startsWith('anchor "com.apple.internet-sharing')),
    blocks: rules.filter((line) => /^block\b/.test(line)),
  };
}

/** `com.apple/…` of one that holds rules: has `pfctl -a … -sn` or `-sr` printed any? */
export function hasRules(listing: string): boolean {
  return listing.split('\n').some((line) => /^(?:no )?(?:rdr|pass|block)\b/.test(line));
}
