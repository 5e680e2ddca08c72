/**
 * The TLS tunnel of the Go program, for both ends. Within TLS the client says
 *
 *     u16 size | token | u16 size | host as text | u16 port        all numbers in network order
 *
 * and from there on bytes go as they are, both ways. The server answers nothing, whether it likes that or not: it can
 * only close. The Go program itself
 * - as a server takes each field with one read, which gives no more than one TLS record has left: the whole header has
 *   to be in one record. So {@link ClientSession} gives it together with the first bytes, and a TLS socket that is given
 *   as much in one write makes records of 16 KiB of it. A longer header it could not read from its own client either.
 * - as a client writes each field by itself: {@link ServerSession} takes them however they come.
 * - joins host and port with a colon for net.Dial, which wants an IPv6 address in brackets, and sends what net.IP prints,
 *   which has none: they go with brackets and are taken with and without.
 */
import type { Secret } from '../../base/secret.ts';
import type { Tunnel } from '../../net/session.ts';
import type { Target } from '../../net/target.ts';
import { CredentialsError } from '../credentials.ts';
import { ClientSession } from './client_session.ts';
import { digestOf, ServerSession, type TunnelUser } from './server_session.ts';

/** In bytes; its length takes two. */
const LONGEST_TOKEN = 0xffff;

/**
 * What an upstream gives for its connections, which have to be TLS.
 * @throws CredentialsError unless the token has 1 to 65535 bytes in UTF-8
 */
export function tlsTunnels(token: Secret): (target: Target) => Tunnel {
  checkToken(token);
  return (target) => ({ session: new ClientSession(token, target) });
}

/**
 * The server's ends, for connections that are TLS.
 * @param tokens by the user's name
 * @throws CredentialsError as above
 */
export function tlsTunnelServer(tokens: ReadonlyMap<string, Secret>): () => ServerSession {
  for (const token of tokens.values()) checkToken(token);
  const users = [...tokens].map(([name, token]): TunnelUser => ({ name, digest: digestOf(token) }));
  return () => new ServerSession(users);
}

function checkToken(token: Secret): void {
  const size = Buffer.byteLength(token.reveal(), 'utf8');
  if (size < 1 || size > LONGEST_TOKEN)
    throw new CredentialsError(
      `the token of a TLS tunnel has ${size} bytes`,
      `1 to ${LONGEST_TOKEN} are possible`,
    );
}
