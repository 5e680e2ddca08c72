/**
 * Share links by their parts: `scheme://userinfo@host:port/?query#tag`. A fault says which part is wrong and shows nothing
 * that could be a piece of a password.
 */
import { formatHostPort, parseAddress, parsePort, type Host } from '../net/address.ts';
import { parseHost } from './host.ts';
import { Fault } from './leaf.ts';
import { didYouMean } from './nearest.ts';

export interface LinkParts {
  /** As written; undefined: there is no `@`. */
  readonly userinfo: string | undefined;
  /** What stands between the userinfo and the query. */
  readonly location: string;
  readonly query: Query;
  readonly tag: string | undefined;
}

/** Names and values in order, decoded. */
export type Query = readonly (readonly [name: string, value: string])[];

/** @param rest what stands behind `scheme://` */
export function linkParts(rest: string): LinkParts {
  const [body, fragment] = cut(rest, '#');
  const tag = fragment === '' ? undefined : (percentDecoded(fragment) ?? fragment);
  const { userinfo, after } = splitAuthority(body);
  const [location, query] = cut(after, '?');
  return { userinfo, location, query: parseQuery(query), tag };
}

/** The last `@` before the query ends the userinfo: passwords with an unescaped `@` or `/` are met in the wild. */
function splitAuthority(body: string): { userinfo: string | undefined; after: string } {
  const question = body.indexOf('?');
  const before = body.lastIndexOf('@', question < 0 ? body.length : question);
  const at = before < 0 ? body.lastIndexOf('@') : before;
  if (at < 0) return { userinfo: undefined, after: body };
  return { userinfo: body.slice(0, at), after: body.slice(at + 1) };
}

/** A "+" is one here: what writes links escapes spaces as %20. */
function parseQuery(text: string): Query {
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => cut(pair, '='))
    .map(([name, value]) => [percentDecoded(name) ?? name, percentDecoded(value) ?? value]);
}

/** `HOST:PORT`, and nothing behind it but a "/". @param behind what the part stands behind, for a person */
export function parseLocation(location: string, behind: string): { server: Host; port: number } | Fault {
  const expected = `HOST:PORT after ${behind}`;
  const match = /^(\[[^\]]*\]|[^:/]*)(?::([^/]*))?(\/?)(.*)$/s.exec(location)!;
  const [, hostText = '', portText, , path] = match;
  if (portText === undefined) return new Fault(expected, { found: 'no port' });
  if (hostText === '') return new Fault(expected, { found: 'no host' });
  if (portText.includes(':')) {
    const hint = 'write an IPv6 address in brackets: [2001:db8::1]:8388';
    return new Fault(expected, { found: 'more than one ":"', hint });
  }
  const port = parsePort(portText);
  if (port === undefined)
    return new Fault('a port, 1 to 65535, after the host', { found: kindOfPort(portText) });
  if (path !== '') return new Fault('nothing after the port but "/", ?query and #tag', { found: 'a path' });
  const server = parseLinkHost(hostText);
  return server instanceof Fault ? server : { server, port };
}

/** The text itself is not shown: in a link that is written wrongly it may be a piece of the password. */
function kindOfPort(text: string): string {
  if (text === '') return 'no port';
  if (!/^\d+$/.test(text)) return 'a port that is no number';
  const number = Number(text);
  if (number === 0) return 'port 0';
  return number > 65535 ? 'a port above 65535' : 'a port with a 0 in front';
}

function parseLinkHost(text: string): Host | Fault {
  if (!text.startsWith('[')) {
    const host = parseHost(percentDecoded(text) ?? text);
    return host instanceof Fault ? within('host', host) : host;
  }
  const inside = text.slice(1, -1);
  if (parseAddress(inside)?.family === 6) return parseHost(inside);
  return new Fault('an IPv6 address in the brackets', { found: 'something else there' });
}

/** A link of its parts, escaped. `userinfo` is escaped already; undefined: there is none. */
export function joinLink(
  scheme: string,
  userinfo: string | undefined,
  { server, port, tag }: { readonly server: Host; readonly port: number; readonly tag: string | undefined },
  query: Query = [],
): string {
  const pairs = query.map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
  const authority = `${userinfo === undefined ? '' : `${userinfo}@`}${formatHostPort(server, port)}`;
  const options = pairs.length === 0 ? '' : `/?${pairs.join('&')}`;
  return `${scheme}://${authority}${options}${tag === undefined ? '' : `#${escaped(tag)}`}`;
}

/** For any part of a link. */
export function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** @returns undefined for a malformed escape */
export function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** A piece of the userinfo, decoded. @param expected what the userinfo should be */
export function decodedCredential(text: string, expected: string): string | Fault {
  const hint = 'a "%" that belongs to the password is written %25';
  return percentDecoded(text) ?? new Fault(expected, { found: 'a malformed % escape before the @', hint });
}

/** For the name of an option of the query that is none. What resembles no option may be anything, and is not shown. */
export function unknownOption(name: string, known: readonly string[]): Fault {
  const hint = didYouMean(name, known);
  const found = hint === undefined ? 'an unknown option' : `an unknown option ${JSON.stringify(name)}`;
  return new Fault(`${known.join(', ')} after the ?`, { found, hint });
}

/** The same fault, of a part of a link. What was found there is not shown unless the fault says that it may be. */
export function within(part: string, { expected, found, hint }: Fault): Fault {
  return new Fault(`${expected} as its ${part}`, { found: found ?? 'something else there', hint });
}

/** What stands before and behind the first separator; behind nothing, if there is none. */
export function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
