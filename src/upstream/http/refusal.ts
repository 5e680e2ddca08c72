/** Why an HTTP proxy opens no tunnel, from what it answers. */
import { SessionError, type RefusalStatus } from '../../net/session.ts';
import type { ResponseHead } from './response_head.ts';

const STATUSES: Readonly<Record<number, RefusalStatus>> = {
  403: 'ERR_PROXY_DENIED',
  405: 'ERR_PROXY_UNSUPPORTED',
  429: 'ERR_PROXY_UNAVAILABLE',
  451: 'ERR_PROXY_DENIED',
  501: 'ERR_PROXY_UNSUPPORTED',
  502: 'ERR_TARGET_UNREACHABLE',
  503: 'ERR_PROXY_UNAVAILABLE',
  504: 'ERR_TARGET_TIMEOUT',
};

/**
 * X-Squid-Error, an error page's name and an errno: with these, squid's 500 and 503 are not about squid but about the
 * target. The last is what squid 5.7 says of a name that has no address, with 500.
 */
const SQUID_TARGET = /^ERR_(?:CONNECT_FAIL|DNS_FAIL|CANNOT_FORWARD)\b/;
/** With this reason tinyproxy's 500 is about the target, too. */
const TINYPROXY_TARGET = 'Unable to connect';

/** In characters: a log's line is for people. */
const LONGEST_REASON = 80;
const LONGEST_SCHEME = 20;
const MOST_SCHEMES = 5;

/**
 * @param head whole, of an answer that opens no tunnel
 * @param sent the secrets that were sent: what repeats one of them is not told. undefined: no credentials were sent
 */
export function refusalOf(head: ResponseHead, sent: readonly string[] | undefined): SessionError {
  const isHarmless = (text: string) => !sent?.some((secret) => text.includes(secret));
  const reason = isHarmless(head.reason) ? printable(head.reason, LONGEST_REASON) : '';
  const said = `the HTTP proxy answers ${head.status} ${reason}`.trimEnd();
  if (head.status === 101) return new SessionError('ERR_PROTOCOL', `${said}, which nobody asked for`);
  // tinyproxy answers 401, which is the word of an origin.
  if (head.status === 407 || head.status === 401)
    return unauthorised(said, schemesOf(head).filter(isHarmless), sent !== undefined);
  const [target] = SQUID_TARGET.exec(head.values('x-squid-error')[0] ?? '') ?? [];
  if ((head.status === 500 || head.status === 503) && target)
    return new SessionError('ERR_TARGET_UNREACHABLE', `${said}: ${target}`);
  if (head.status === 500 && head.reason === TINYPROXY_TARGET)
    return new SessionError('ERR_TARGET_UNREACHABLE', said);
  return new SessionError(STATUSES[head.status] ?? 'ERR_PROXY_FAILED', said);
}

function unauthorised(said: string, schemes: readonly string[], wasSent: boolean): SessionError {
  const ours = wasSent ? 'our credentials were not accepted' : 'no credentials were sent';
  const wanted = schemes.slice(0, MOST_SCHEMES).map((scheme) => printable(scheme, LONGEST_SCHEME));
  const takesBasic = schemes.length === 0 || schemes.some((scheme) => scheme.toLowerCase() === 'basic');
  return new SessionError(
    'ERR_PROXY_AUTH',
    `${said}: ${ours}${wanted.length > 0 ? `; it takes ${wanted.join(', ')}` : ''}`,
    {
      hint: takesBasic
        ? `${wasSent ? 'check' : 'give'} the user and the password of this upstream`
        : 'of the ways to authenticate only Basic is spoken here',
    },
  );
}

/**
 * The schemes of all challenges, each once (RFC 9110 §11.3, §11.6.1): of what stands between commas that are not
 * quoted, a token in front that is no parameter's name.
 */
function schemesOf(head: ResponseHead): string[] {
  const schemes = head.values('proxy-authenticate').flatMap((value) =>
    value
      .replace(/"(?:[^"\\]|\\.)*"?/gs, '""')
      .split(',')
      .flatMap((item) => /^\s*([!#$%&'*+.^_`|~\w-]+)(?:\s+(?![\s=])|\s*$)/.exec(item)?.[1] ?? []),
  );
  return [...new Set(schemes)];
}

/** What somebody's server wrote must neither drive a terminal nor fill a log. */
function printable(text: string, limit: number): string {
  const shown = text.slice(0, limit).replace(/[^\x20-\x7e]/g, '?');
  return text.length > limit ? `${shown}…` : shown;
}
