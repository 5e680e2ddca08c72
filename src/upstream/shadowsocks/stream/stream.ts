/** Old Shadowsocks over TCP: from a password to tunnels. Only the client's end: nobody should serve it any more. */
import type { Secret } from '../../../base/secret.ts';
import type { StreamMethod } from '../../../config/config.ts';
import type { Tunnel } from '../../../net/session.ts';
import type { Target } from '../../../net/target.ts';
import { masterKey } from '../key.ts';
import { StreamSession } from './client_session.ts';
import { STREAM_SIZES } from './methods.ts';

export function streamTunnels(method: StreamMethod, password: Secret): (target: Target) => Tunnel {
  const key = masterKey(password.reveal(), STREAM_SIZES[method].keySize);
  return (target) => ({ session: new StreamSession(method, key, target) });
}
