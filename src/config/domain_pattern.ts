/** Names of the DNS as the file has them: one, or all below one. */
import { parseAddress } from '../net/address.ts';
import { Fault } from './leaf.ts';

export const PATTERN_FORM = 'a name such as "www.example.com" or "*.example.com"';
export const SUFFIX_FORM = 'a name such as "corp.example.com"';

/** RFC 1123 §2.1, and the underscore that real names have; in no program is a name one whose last label is a number. */
const NAME = /^(?!.{254})(?:[a-z0-9_-]{1,63}\.)*(?!\d+$)[a-z0-9_-]{1,63}$/;

/** A name, or `*.` and a name: it and all below it. @returns it in lower case */
export function parsePattern(text: string): string | Fault {
  const pattern = text.toLowerCase().replace(/\.$/, '');
  const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern;
  return NAME.test(name) ? pattern : new Fault(PATTERN_FORM, { hint: hintFor(text) });
}

/** A name that stands for all below it, too; in front of it `.` or `*.` mean nothing more. @returns it without */
export function parseSuffix(text: string): string | Fault {
  const name = text
    .toLowerCase()
    .replace(/^\*?\./, '')
    .replace(/\.$/, '');
  return NAME.test(name) ? name : new Fault(SUFFIX_FORM, { hint: hintFor(text) });
}

function hintFor(text: string): string | undefined {
  if (text.includes('*')) return 'a * can only stand in front, for whole labels: *.example.com';
  if (text.includes('://')) return 'write the name alone';
  if (parseAddress(text)) return 'an address is no name';
  if (/\P{ASCII}/u.test(text)) return 'write an international name in its ASCII form, xn--…';
  return undefined;
}
