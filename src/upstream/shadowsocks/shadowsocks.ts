/** Shadowsocks AEAD over TCP (SIP004, SIP007): from a password to sessions, for both ends. */
import type { Secret } from '../../base/secret.ts';
import type { Session } from '../../net/session.ts';
import type { Provider } from './aead.ts';
import type { Target } from '../../net/target.ts';
import { chooseAead } from './choose.ts';
import { ClientSession } from './client_session.ts';
import { masterKey } from './key.ts';
import type { Method } from './methods.ts';
import { ServerSession } from './server_session.ts';
import type { Suite } from './suite.ts';

export interface ShadowsocksOptions {
  readonly method: Method;
  readonly password: Secret;
  readonly aead: Provider | 'auto';
}

export interface ShadowsocksProtocol {
  readonly method: Method;
  readonly provider: Provider;
  /** Why this provider, for one log line. */
  readonly why: string;
  /** What to speak on a new connection to a server, for a flow to `target`. */
  session(target: Target): Session;
  /** The server's end of a connection that was accepted. */
  serverSession(): ServerSession;
}

/** @throws AeadError if `aead` names a provider that can't be had for this method */
export function createShadowsocksProtocol({
  method,
  password,
  aead,
}: ShadowsocksOptions): ShadowsocksProtocol {
  const choice = chooseAead(method, aead);
  const suite: Suite = {
    method,
    aead: choice.aead,
    masterKey: masterKey(password.reveal(), method.keySize),
    fillSalt: (salt) => crypto.getRandomValues(salt),
  };
  return {
    method,
    provider: choice.provider,
    why: choice.why,
    session: (target) => new ClientSession(suite, target),
    serverSession: () => new ServerSession(suite),
  };
}
