/**
 * The protocols that must conform. A new one is a row here: how an upstream makes a tunnel, and its far end (FarEnd) as a
 * function from bytes to bytes.
 */
import { Secret } from '../../../src/base/secret.ts';
import { httpTunnels } from '../../../src/upstream/http/connect.ts';
import { ClientSession } from '../../../src/upstream/shadowsocks/client_session.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';
import { streamTunnels } from '../../../src/upstream/shadowsocks/stream/stream.ts';
import { socks5Tunnels } from '../../../src/upstream/socks5/connect.ts';
import { tlsTunnels, tlsTunnelServer } from '../../../src/upstream/tunnel/tunnel.ts';
import { METHODS } from '../../../src/upstream/shadowsocks/methods.ts';
import type { Suite } from '../../../src/upstream/shadowsocks/suite.ts';
import { keyOf, suite2022, suiteOf } from '../shadowsocks/ends.ts';
import { httpProxy } from './http_proxy.ts';
import { chained, protocol, type Row } from './row.ts';
import { sessionServer } from './session_server.ts';
import { socks5Proxy } from './socks5_proxy.ts';
import { streamServer } from './stream_server.ts';

/** RFC 7617 §2. */
const credentials = { user: 'Aladdin', password: new Secret('open sesame') };

const http = protocol('http', 'none', httpTunnels(undefined), () => httpProxy());
const httpAuth = protocol('http with credentials', 'none', httpTunnels(credentials), () =>
  httpProxy('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='),
);
const socks5 = protocol('socks5', 'none', socks5Tunnels(undefined), () => socks5Proxy());
const socks5Auth = protocol('socks5 with credentials', 'none', socks5Tunnels(credentials), () =>
  socks5Proxy({ user: credentials.user, password: credentials.password.reveal() }),
);
const shadowsocks = shadowsocksRow('shadowsocks', suiteOf(METHODS['aes-256-gcm']));
const shadowsocks2022 = shadowsocksRow('shadowsocks 2022', suiteOf(METHODS['2022-blake3-aes-256-gcm']));
const [serverKey, userKey] = [keyOf('server', 16), keyOf('user', 16)];
const shadowsocksUser = shadowsocksRow(
  'shadowsocks 2022 with users',
  suite2022(METHODS['2022-blake3-aes-128-gcm'], { keys: [serverKey, userKey] }),
  suite2022(METHODS['2022-blake3-aes-128-gcm'], {
    keys: [serverKey],
    users: [{ name: 'somebody', key: userKey }],
  }),
);
const token = new Secret('correct horse');
const tunnelServer = tlsTunnelServer(new Map([['somebody', token]]));
const tunnel = protocol('TLS tunnel, within TLS', 'none', tlsTunnels(token), () =>
  sessionServer(tunnelServer()),
);

// One whose cipher is the runtime's, and those that go on in the midst of a block by code of ours.
const [stream, streamCfb, streamChaCha] = (['aes-256-ctr', 'aes-192-cfb', 'chacha20-ietf'] as const).map(
  (method) =>
    protocol(`shadowsocks ${method}`, 'start', streamTunnels(method, token), () =>
      streamServer(method, token),
    ),
) as [Row, Row, Row];

function shadowsocksRow(name: string, client: Suite, server: Suite = client): Row {
  return protocol(
    name,
    'records',
    (target) => ({ session: new ClientSession(client, target) }),
    () => sessionServer(new ServerSession(server)),
  );
}

export const ROWS: readonly Row[] = [
  http,
  httpAuth,
  socks5,
  socks5Auth,
  shadowsocks,
  shadowsocks2022,
  shadowsocksUser,
  tunnel,
  stream,
  streamCfb,
  streamChaCha,
  chained(http, shadowsocks),
  chained(socks5, http),
  chained(shadowsocks, socks5Auth),
  chained(shadowsocks, shadowsocks),
  chained(shadowsocks, tunnel),
  chained(shadowsocks2022, shadowsocks),
  chained(shadowsocksUser, shadowsocks2022),
  chained(tunnel, socks5Auth),
  chained(http, streamCfb),
  chained(streamChaCha, socks5),
  chained(stream, shadowsocks),
  chained(chained(shadowsocks, http), shadowsocks),
  chained(shadowsocks, chained(http, shadowsocks)),
  chained(chained(socks5, shadowsocks), chained(httpAuth, shadowsocks)),
  // The longest records, and as many sessions as an Outbox has room for.
  chained(shadowsocks2022, chained(shadowsocks2022, shadowsocks2022)),
];
