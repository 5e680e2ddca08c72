/** Shadowsocks over TCP, both editions: from a password or keys to sessions, for both ends. */
import type { Secret } from '../../base/secret.ts';
import type { Session } from '../../net/session.ts';
import type { Provider } from './aead.ts';
import type { Target } from '../../net/target.ts';
import { chooseAead } from './choose.ts';
import { ClientSession } from './client_session.ts';
import { createSuite2017 } from './edition_2017.ts';
import { createSuite2022 } from './edition_2022.ts';
import { masterKey } from './key.ts';
import type { Method, Method2017, Method2022 } from './methods.ts';
import type { Keys } from './parts_2022.ts';
import { ReplayFilter } from './replay_filter.ts';
import { ServerSession } from './server_session.ts';
import type { SuiteParts } from './suite.ts';

/** What both ends must have in common. */
export type Credentials = Credentials2017 | ({ readonly method: Method2022 } & Keys);

type Credentials2017 =
  | { readonly method: Method2017; readonly password: Secret }
  /** The key itself, of the cipher's size, in place of one made from a password. */
  | { readonly method: Method2017; readonly key: Uint8Array };

export type ShadowsocksOptions = Credentials & {
  readonly aead: Provider | 'auto';
  /** What a server has seen by the same key before, as {@link createReplays} makes it; left out: nothing. */
  readonly replays?: ReplayFilter | undefined;
};

export interface ShadowsocksProtocol {
  readonly method: Method;
  readonly provider: Provider;
  /** Why this provider, for one log line. */
  readonly why: string;
  /** What to speak on a new connection to a server, for a flow to `target`. */
  session(target: Target): Session;
  /** The server's end of a connection that was accepted. All of them share one memory of salts. */
  serverSession(): ServerSession;
}

/** For how long a salt is remembered where the time stamp refuses it after that (SIP022 §3.1.4), milliseconds. */
const KEPT_2022 = 60_000;
/** 4,000 connections a second, and 63 MB in the worst case, which takes a key to bring about. */
const LIMIT_2022 = 2 ** 18;
/**
 * Without time stamps a recording can be as old as the key: this is as many directions of connections as it helps
 * against. 30 MB in the worst case.
 */
const LIMIT_2017 = 2 ** 17;

/**
 * One for all ports that take the same key: what was recorded at one must not be played at another.
 * @throws AeadError if `aead` names a provider that can't be had for this method
 * @throws RangeError for keys that the method can't have
 */
export function createShadowsocksProtocol(options: ShadowsocksOptions): ShadowsocksProtocol {
  const { method } = options;
  const { aead, provider, why } = chooseAead(method.cipher, options.aead);
  const { replays = createReplays(method) } = options;
  const parts: SuiteParts = {
    aead,
    fillRandom: (bytes) => crypto.getRandomValues(bytes),
    admit: (salt) => replays.admit(salt, performance.now()),
  };
  const suite =
    'keys' in options
      ? createSuite2022({ ...options, ...parts, now: Date.now })
      : createSuite2017({ ...parts, method: options.method, masterKey: keyOf(options) });
  return {
    method,
    provider,
    why,
    session: (target) => new ClientSession(suite, target),
    serverSession: () => new ServerSession(suite),
  };
}

/** An empty memory of salts. */
export function createReplays(method: Method): ReplayFilter {
  return method.edition === 2017 ? new ReplayFilter(LIMIT_2017) : new ReplayFilter(LIMIT_2022, KEPT_2022);
}

function keyOf(options: Credentials2017): Uint8Array {
  const { keySize } = options.method.cipher;
  if ('password' in options) return masterKey(options.password.reveal(), keySize);
  if (options.key.length !== keySize)
    throw new RangeError(`a key of ${options.key.length} bytes for ${options.method.name}`);
  return options.key;
}
