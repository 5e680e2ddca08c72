/**
 * A tunnel through a tunnel: the outer one's far end connects to the inner one's server, and its bytes are the inner
 * one's wire. Chains are tunnels, so that they may be ends of chains themselves.
 */
import type { Tunnel } from '../net/session.ts';
import { ChainedHandshake } from './chain/handshake.ts';
import { ChainedSession } from './chain/session.ts';
import type { Heard } from './chain/heard.ts';

/**
 * @param outer to the inner one's server, new
 * @param inner to the target, new; both are the chain's from now on
 * @returns a tunnel whose handshake is over when both are. As in every tunnel, what its handshake gives as `rest` is
 *   plain: it has passed the sessions. At most three sessions in all, counted through nested chains, since more could
 *   hold back more than an Outbox takes.
 */
export function chain(outer: Tunnel, inner: Tunnel): Tunnel {
  if (!inner.handshake && !inner.session) return outer;
  if (!outer.handshake && !outer.session) return inner;
  const heard: Heard = { ofInner: false };
  return {
    hop: outer.hop,
    handshake: outer.handshake || inner.handshake ? new ChainedHandshake(outer, inner, heard) : undefined,
    session: outer.session ? new ChainedSession(outer.session, inner.session, heard) : inner.session,
  };
}
