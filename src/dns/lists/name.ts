/** Names as lists have them, made the text that a question has. */
import { domainToASCII } from 'node:url';

const LABELS = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
const ASCII = /^[\0-\x7f]*$/;
/** RFC 1035 §2.3.4: 255 bytes on the wire are 253 of text. */
const LONGEST = 253;

/**
 * In lower case, international names in their ASCII form (UTS #46), without a dot at the end.
 * @returns undefined if it is no name; an address is none
 */
export function normalName(text: string): string | undefined {
  let name = text.toLowerCase();
  if (name.endsWith('.')) name = name.slice(0, -1);
  if (!ASCII.test(name)) name = domainToASCII(name);
  // No name ends in a label of digits: RFC 3696 §2.
  return name.length <= LONGEST && LABELS.test(name) && !/(?:^|\.)\d+$/.test(name) ? name : undefined;
}
