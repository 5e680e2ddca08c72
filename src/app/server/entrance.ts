/** From a listener of the configuration to what is spoken there, and with whom. */
import { readFileSync } from 'node:fs';
import type { TLSOptions } from 'bun';
import type { Log } from '../../base/log.ts';
import type { Secret } from '../../base/secret.ts';
import { base64Bytes } from '../../config/base64.ts';
import type {
  ListenerConfig,
  ServerConfig,
  ShadowsocksListener,
  TlsListener,
} from '../../config/server_config.ts';
import { formatAddress, formatHostPort } from '../../net/address.ts';
import { AnyKey } from '../../server/any_key.ts';
import type { FarSession } from '../../server/far_session.ts';
import { METHODS } from '../../upstream/shadowsocks/methods.ts';
import type { ReplayFilter } from '../../upstream/shadowsocks/replay_filter.ts';
import {
  createReplays,
  createShadowsocksProtocol,
  type Credentials,
  type ShadowsocksProtocol,
} from '../../upstream/shadowsocks/shadowsocks.ts';
import { tlsTunnelServer } from '../../upstream/tunnel/tunnel.ts';

export interface Entrance {
  /** For logs, e.g. `shadowsocks 0.0.0.0:8388 aes-256-gcm`. Never a secret. */
  readonly label: string;
  readonly config: ListenerConfig;
  readonly tls: TLSOptions | undefined;
  readonly session: () => FarSession;
}

/** What was made for the keys of a configuration, and what they were used for: the next one may have the same. */
export interface KeyMemory {
  readonly protocols: ReadonlyMap<string, ShadowsocksProtocol>;
  /** By method and password, whoever the users are. */
  readonly replays: ReadonlyMap<string, ReplayFilter>;
}

/**
 * @param former of the configuration that was in force before; undefined: there was none
 * @throws AeadError, CredentialsError
 */
export function createEntrances(
  { listeners, aead }: ServerConfig,
  log: Log,
  former: KeyMemory | undefined,
): { readonly entrances: readonly Entrance[]; readonly memory: KeyMemory } {
  const { protocolOf, memory } = rememberProtocols(aead, log, former);
  const entrances = listeners.map((config) => ({
    label: labelOf(config),
    config,
    ...(config.type === 'tls'
      ? { tls: tlsOf(config), session: tlsTunnelServer(config.users) }
      : { tls: undefined, session: shadowsocksSessions(config, protocolOf) }),
  }));
  return { entrances, memory };
}

export function labelOf(config: ListenerConfig): string {
  const { address, port, type } = config;
  const where = formatHostPort(address ? formatAddress(address) : '*', port);
  return `${type} ${where}${config.type === 'shadowsocks' ? ` ${config.method}` : ''}`;
}

/** They have been looked at when the configuration was read. */
function tlsOf({ cert, key }: TlsListener): TLSOptions {
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

type Protocols = (method: ShadowsocksListener['method'], keys: Keys) => ShadowsocksProtocol;

interface Keys {
  readonly password: Secret;
  readonly users: ReadonlyMap<string, Secret>;
}

const NOBODY: ReadonlyMap<string, Secret> = new Map();

function shadowsocksSessions(
  { method, password, users }: ShadowsocksListener,
  protocolOf: Protocols,
): () => FarSession {
  if (password) {
    const protocol = protocolOf(method, { password, users });
    return () => protocol.serverSession();
  }
  const keys = [...users].map(([user, password]) => {
    const protocol = protocolOf(method, { password, users: NOBODY });
    return { user, session: () => protocol.serverSession() };
  });
  return () => new AnyKey(keys);
}

/**
 * One protocol for all ports that take the same keys, so that what was recorded at one can't be played at another; nor, if
 * the keys stay, under the next configuration.
 */
function rememberProtocols(
  aead: ServerConfig['aead'],
  log: Log,
  former: KeyMemory | undefined,
): { protocolOf: Protocols; memory: KeyMemory } {
  const protocols = new Map<string, ShadowsocksProtocol>();
  const replays = new Map<string, ReplayFilter>();
  const replaysOf = (name: ShadowsocksListener['method'], password: Secret) => {
    const id = JSON.stringify([name, password.reveal()]);
    const filter = replays.get(id) ?? former?.replays.get(id) ?? createReplays(METHODS[name]);
    replays.set(id, filter);
    return filter;
  };
  const protocolOf: Protocols = (name, keys) => {
    const { password, users } = keys;
    const all = [name, aead, password.reveal(), ...[...users].map(([user, key]) => [user, key.reveal()])];
    const id = JSON.stringify(all);
    const filter = replaysOf(name, password);
    let protocol = protocols.get(id) ?? former?.protocols.get(id);
    if (!protocol) {
      protocol = createShadowsocksProtocol({ ...credentialsOf(name, keys), aead, replays: filter });
      log.debug('aead', { method: name, provider: protocol.provider, why: protocol.why });
    }
    protocols.set(id, protocol);
    return protocol;
  };
  return { protocolOf, memory: { protocols, replays } };
}

function credentialsOf(name: ShadowsocksListener['method'], { password, users }: Keys): Credentials {
  const method = METHODS[name];
  if (method.edition === 2017) return { method, password };
  // The configuration has been checked.
  const keyOf = (text: Secret) => base64Bytes(text.reveal())!;
  return {
    method,
    keys: [keyOf(password)],
    users: users.size === 0 ? undefined : [...users].map(([name, key]) => ({ name, key: keyOf(key) })),
  };
}
