/** Why a SOCKS5 proxy opens no tunnel, in the words of RFC 1928 and RFC 1929. */
import { SessionError, type RefusalStatus } from '../../net/session.ts';

/** RFC 1928 §6, "Reply field". 0 is success; 9 and above are unassigned. */
const REPLIES: Readonly<Record<number, readonly [RefusalStatus, string]>> = {
  1: ['ERR_PROXY_FAILED', 'general SOCKS server failure'],
  2: ['ERR_PROXY_DENIED', 'connection not allowed by ruleset'],
  3: ['ERR_TARGET_UNREACHABLE', 'network unreachable'],
  4: ['ERR_TARGET_UNREACHABLE', 'host unreachable'],
  5: ['ERR_TARGET_REFUSED', 'connection refused'],
  6: ['ERR_TARGET_TIMEOUT', 'TTL expired'],
  7: ['ERR_PROXY_UNSUPPORTED', 'command not supported'],
  8: ['ERR_PROXY_UNSUPPORTED', 'address type not supported'],
};

/** @param code of a reply, not 0 */
export function replyRefusal(code: number): SessionError {
  const [status, words] = REPLIES[code] ?? ['ERR_PROTOCOL' as const, 'a code that nobody has assigned'];
  return new SessionError(status, `the SOCKS5 proxy replies ${code}: ${words}`);
}

/** Method 0xFF, "no acceptable methods" (RFC 1928 §3). */
export function methodsRefusal(hasCredentials: boolean): SessionError {
  return new SessionError(
    'ERR_PROXY_AUTH',
    hasCredentials
      ? 'the SOCKS5 proxy accepts neither no authentication nor a user and a password'
      : 'the SOCKS5 proxy does not accept no authentication',
    { hint: hasCredentials ? undefined : 'give the user and the password of this upstream' },
  );
}

/** @param status not 0 (RFC 1929 §2) */
export function credentialsRefusal(status: number): SessionError {
  return new SessionError(
    'ERR_PROXY_AUTH',
    `the SOCKS5 proxy does not accept our credentials: status ${status}`,
    { hint: 'check the user and the password of this upstream' },
  );
}
