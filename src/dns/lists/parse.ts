/**
 * Reads lists of domain names. The form is seen line by line, so that what people have glued together is read, too:
 *
 *     example.com                         a name
 *     *.example.com   .example.com        a suffix: the name and all below it
 *     0.0.0.0 a.example b.example         hosts(5): names
 *     server=/example.com/192.0.2.1       dnsmasq(8): suffixes; also address, local, ipset, nftset
 *     ||example.com^   @@||example.com^   AdBlock: a suffix, an exception
 *     domain:example.com  full:a.example  v2ray: a suffix, a name
 *     # comment, ! comment
 *
 * A file that begins with `[Adblock` or `[AutoProxy` (gfwlist), in base64 or not, is read as that alone.
 */
import { parseAddress } from '../../net/address.ts';
import { adblockRule, autoProxyRule, isCosmetic } from './adblock.ts';
import { dnsmasqRules } from './dnsmasq.ts';
import { normalName } from './name.ts';
import { NOTHING, plainRule, type ListRule, type PlainMeaning, type Reading } from './rule.ts';

export interface BadLine {
  /** From 1; of a file in base64, in what it decodes to. */
  readonly line: number;
  /** Cut short. */
  readonly text: string;
  readonly why: string;
}

/** Filled while a list is read. */
export interface Findings {
  rules: number;
  /** Rules that are not about names alone: not used, and no mistake. */
  ignored: number;
  bad: number;
  /** The first few of the bad lines. */
  readonly shown: BadLine[];
}

const MOST_SHOWN = 5;
const LONGEST_LINE = 8192;
const LONGEST_SHOWN = 60;

export function noFindings(): Findings {
  return { rules: 0, ignored: 0, bad: 0, shown: [] };
}

/**
 * The rules of a list, one after the other; nothing is kept of a line that was read.
 * @param plain what a name without anything around it means in this list
 */
export function* parseList(text: string, plain: PlainMeaning, findings: Findings): Generator<ListRule> {
  const decoded = decodeBase64List(text) ?? text;
  const read = lineReader(decoded, plain);
  let number = 0;
  for (let from = 0; from < decoded.length;) {
    const newline = decoded.indexOf('\n', from);
    const end = newline < 0 ? decoded.length : newline;
    number++;
    const line = end - from > LONGEST_LINE ? undefined : decoded.slice(from, end).trim();
    const reading = line === undefined ? TOO_LONG : line === '' ? NOTHING : read(line);
    if (reading === 'ignored') findings.ignored++;
    else if ('why' in reading) {
      findings.bad++;
      const cut = decoded.slice(from, Math.min(end, from + LONGEST_SHOWN)).trim();
      if (findings.shown.length < MOST_SHOWN) {
        findings.shown.push({ line: number, text: cut, why: reading.why });
      }
    } else {
      findings.rules += reading.length;
      yield* reading;
    }
    from = end + 1;
  }
}

const TOO_LONG = { why: `longer than ${LONGEST_LINE} characters` };
const AUTO_PROXY = /^\s*\[AutoProxy\b/i;
const ADBLOCK = /^\s*\[Adblock\b/i;

/** @returns undefined unless the whole text is base64 of a list of rules */
function decodeBase64List(text: string): string | undefined {
  // Fails at the first dot of anything else.
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  return AUTO_PROXY.test(decoded) || ADBLOCK.test(decoded) ? decoded : undefined;
}

function lineReader(text: string, plain: PlainMeaning): (line: string) => Reading {
  if (AUTO_PROXY.test(text)) return autoProxyRule;
  // There a bare name is a pattern that may be anywhere in the address of a page.
  if (ADBLOCK.test(text)) return adblockRule;
  return (line) => readLine(line, plain);
}

const V2RAY = /^(domain|full|regexp|keyword|include):(\S+?)(?::?@\S*)?(?:\s.*)?$/;

function readLine(line: string, plain: PlainMeaning): Reading {
  if (/^[!|@/]/.test(line)) return adblockRule(line);
  // Before comments: in `server=/example.com/127.0.0.1#5353` the sign stands before the port.
  const options = dnsmasqRules(line);
  if (options !== undefined) return options;
  const sign = line.indexOf('#');
  if (sign >= 0 && isCosmetic(line)) return 'ignored';
  const said = sign < 0 ? line : line.slice(0, sign).trimEnd();
  if (said === '') return NOTHING;
  const [, kind, name = ''] = V2RAY.exec(said) ?? [];
  if (kind === 'domain' || kind === 'full') return plainRule(name, kind === 'full' ? 'exact' : 'suffix');
  if (kind !== undefined) return 'ignored';
  return hostsRules(said) ?? plainRule(said, plain);
}

/** @returns undefined if it doesn't begin with an address and a space */
function hostsRules(line: string): Reading | undefined {
  if (!/^[0-9a-f:]/i.test(line)) return undefined;
  const [first = '', ...names] = line.split(/\s+/);
  // The zone is of interest to none: `fe80::1%lo0 localhost`.
  if (names.length === 0 || !parseAddress(first.replace(/%.*$/, ''))) return undefined;
  const rules: ListRule[] = [];
  for (const written of names) {
    // Every such file begins with the machine's own names: localhost, broadcasthost, `0.0.0.0 0.0.0.0`.
    if (!written.includes('.') || parseAddress(written)) continue;
    const name = normalName(written);
    if (name === undefined) return { why: 'not a domain name behind the address' };
    if (name !== 'localhost.localdomain') rules.push({ name, suffix: false, exception: false });
  }
  return rules;
}
