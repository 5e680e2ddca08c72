/** What each kind of upstream speaks within its connection, from its configuration. */
import type { Log } from '../../base/log.ts';
import type { Secret } from '../../base/secret.ts';
import type { AeadPreference, ShadowsocksConfig, UpstreamConfig } from '../../config/config.ts';
import { Fault } from '../../config/leaf.ts';
import { parseShadowsocks2022Key } from '../../config/shadowsocks_key.ts';
import { isMethod2022, isStreamMethod } from '../../config/shadowsocks_methods.ts';
import type { Tunnel } from '../../net/session.ts';
import type { Target } from '../../net/target.ts';
import type { Credentials } from '../../upstream/credentials.ts';
import { httpTunnels } from '../../upstream/http/connect.ts';
import { METHODS } from '../../upstream/shadowsocks/methods.ts';
import {
  createShadowsocksProtocol,
  type Credentials as ShadowsocksCredentials,
} from '../../upstream/shadowsocks/shadowsocks.ts';
import { streamTunnels } from '../../upstream/shadowsocks/stream/stream.ts';
import { socks5Tunnels } from '../../upstream/socks5/connect.ts';
import { tlsTunnels } from '../../upstream/tunnel/tunnel.ts';

/** What to speak on one connection, to reach a target. */
export type Tunnels = (target: Target) => Tunnel;

/**
 * @throws CredentialsError for credentials that the protocol can't express, AeadError if the wanted AEAD can't be had
 */
export function tunnelsOf(config: UpstreamConfig, aead: AeadPreference, log: Log): Tunnels {
  if (config.type === 'shadowsocks') return shadowsocksTunnels(config, aead, log);
  if (config.type === 'tls') return tlsTunnels(config.token);
  const credentials = credentialsOf(config);
  return config.type === 'http' ? httpTunnels(credentials) : socks5Tunnels(credentials);
}

function credentialsOf({
  user,
  password,
}: {
  readonly user: string | undefined;
  readonly password: Secret | undefined;
}): Credentials | undefined {
  return user === undefined || password === undefined ? undefined : { user, password };
}

function shadowsocksTunnels(config: ShadowsocksConfig, aead: AeadPreference, log: Log): Tunnels {
  const { method, password } = config;
  if (isStreamMethod(method)) return streamTunnels(method, password);
  const protocol = createShadowsocksProtocol({ ...shadowsocksKeys(config), aead });
  log.info('aead', { method, provider: protocol.provider, why: protocol.why });
  return (target) => ({ session: protocol.session(target) });
}

/** What both ends of Shadowsocks must have in common, as the configuration has it. */
function shadowsocksKeys({ method, password, rawKey }: ShadowsocksConfig): ShadowsocksCredentials {
  if (isStreamMethod(method)) throw new TypeError(`${method} has no AEAD`);
  if (!isMethod2022(method))
    return rawKey === true
      ? { method: METHODS[method], key: Buffer.from(password.reveal(), 'base64url') }
      : { method: METHODS[method], password };
  const keys = parseShadowsocks2022Key(password.reveal(), method);
  // The configuration has been checked.
  if (keys instanceof Fault) throw new TypeError(`a key for ${method} that is none`);
  return { method: METHODS[method], keys };
}
