/**
 * A tunnel through an HTTP proxy: `CONNECT` (RFC 9110 §9.3.6), an answer, and from there on bytes as they are.
 *
 * A target that is a name goes to the proxy as that name, which it resolves itself; an address goes as its text, IPv6 in
 * brackets. So an HTTP upstream may well say `takesNames`: proxies that filter do it by name, and some resolve what
 * nobody else can. Who chooses the target gives a name only where one is known and `isHostName`, else the address.
 */
import type { Span } from '../../../ffi/memory.ts';
import { SessionError, type Handshake, type Outbox, type Tunnel } from '../../net/session.ts';
import { formatTarget, isHostName, type Target } from '../../net/target.ts';
import { CredentialsError, type Credentials } from '../credentials.ts';
import { refusalOf } from './refusal.ts';
import { ResponseHead } from './response_head.ts';

/**
 * What an upstream gives for its connections.
 * @throws CredentialsError for those that Basic authentication can't express
 */
export function httpTunnels(credentials: Credentials | undefined): (target: Target) => Tunnel {
  if (credentials) checkCredentials(credentials);
  return (target) => ({ handshake: new ConnectHandshake(target, credentials) });
}

/** RFC 7617 §2: no control characters; what stands before the first colon is the user. */
function checkCredentials({ user, password }: Credentials): void {
  if (user.includes(':'))
    throw new CredentialsError('the user of an HTTP proxy has a colon', 'a colon ends the user (RFC 7617)');
  if (/\p{Cc}/u.test(user + password.reveal()))
    throw new CredentialsError(
      'the user or the password of an HTTP proxy has a control character',
      'these are not allowed (RFC 7617); does a line break stand at the end?',
    );
}

export class ConnectHandshake implements Handshake {
  readonly #authority: string;
  readonly #credentials: Credentials | undefined;
  #head = new ResponseHead();

  /** @throws RangeError for a target whose name is none: nothing but a host's name may get into a line of the request */
  constructor(target: Target, credentials: Credentials | undefined) {
    if ('name' in target && !isHostName(target.name))
      throw new RangeError('a target whose name is no host name');
    this.#authority = formatTarget(target);
    this.#credentials = credentials;
  }

  begin(out: Outbox): void {
    // The request's target in authority form, and the same as Host (RFC 9112 §3.2, §3.2.3).
    let request = `CONNECT ${this.#authority} HTTP/1.1\r\nHost: ${this.#authority}\r\n`;
    if (this.#credentials) request += `Proxy-Authorization: Basic ${basic(this.#credentials)}\r\n`;
    out.append(new TextEncoder().encode(`${request}\r\n`));
  }

  receive(wire: Span, from: number, to: number, _: Outbox, rest: Outbox): boolean {
    for (let at = from; at < to;) {
      at = this.#head.read(wire.bytes, at, to);
      if (!this.#head.isWhole) return false;
      const { status } = this.#head;
      if (status >= 200 && status < 300) {
        // A Content-Length or Transfer-Encoding of such an answer means nothing (RFC 9110 §9.3.6).
        rest.append(wire.bytes.subarray(at, to));
        return true;
      }
      // An interim answer, or several, may come before the real one (RFC 9110 §15.2); no other protocol was offered.
      if (status < 100 || status > 199 || status === 101)
        throw refusalOf(this.#head, this.#credentials && secretsOf(this.#credentials));
      this.#head = this.#head.next();
    }
    return false;
  }

  end(): never {
    const when = this.#head.isEmpty ? 'without an answer' : 'within its answer';
    throw new SessionError('ERR_PROXY_CLOSED', `the HTTP proxy closed ${when}`);
  }
}

/** RFC 7617 §2, in UTF-8 (§2.1). */
function basic({ user, password }: Credentials): string {
  return Buffer.from(`${user}:${password.reveal()}`, 'utf8').toString('base64');
}

/** What must not get from an answer into a log, as Latin-1: some servers repeat what they were sent. */
function secretsOf(credentials: Credentials): readonly string[] {
  const password = Buffer.from(credentials.password.reveal(), 'utf8').toString('latin1');
  return [basic(credentials), password].filter((secret) => secret !== '');
}
