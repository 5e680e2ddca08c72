/**
 * The protocols that must conform. A new one is a row here: how an upstream makes a tunnel, and its far end (FarEnd) as a
 * function from bytes to bytes.
 */
import { Secret } from '../../../src/base/secret.ts';
import { httpTunnels } from '../../../src/upstream/http/connect.ts';
import { ClientSession } from '../../../src/upstream/shadowsocks/client_session.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';
import { socks5Tunnels } from '../../../src/upstream/socks5/connect.ts';
import { tlsTunnels, tlsTunnelServer } from '../../../src/upstream/tunnel/tunnel.ts';
import { METHODS, suiteOf } from '../shadowsocks/ends.ts';
import { httpProxy } from './http_proxy.ts';
import { chained, protocol, type Row } from './row.ts';
import { sessionServer } from './session_server.ts';
import { socks5Proxy } from './socks5_proxy.ts';

/** RFC 7617 §2. */
const credentials = { user: 'Aladdin', password: new Secret('open sesame') };
const suite = suiteOf(METHODS.find(({ name }) => name === 'aes-256-gcm')!);

const http = protocol('http', false, httpTunnels(undefined), () => httpProxy());
const httpAuth = protocol('http with credentials', false, httpTunnels(credentials), () =>
  httpProxy('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='),
);
const socks5 = protocol('socks5', false, socks5Tunnels(undefined), () => socks5Proxy());
const socks5Auth = protocol('socks5 with credentials', false, socks5Tunnels(credentials), () =>
  socks5Proxy({ user: credentials.user, password: credentials.password.reveal() }),
);
const shadowsocks = protocol(
  'shadowsocks',
  true,
  (target) => ({ session: new ClientSession(suite, target) }),
  () => sessionServer(new ServerSession(suite)),
);
const token = new Secret('correct horse');
const tunnelServer = tlsTunnelServer(new Map([['somebody', token]]));
const tunnel = protocol('TLS tunnel, within TLS', false, tlsTunnels(token), () =>
  sessionServer(tunnelServer()),
);

export const ROWS: readonly Row[] = [
  http,
  httpAuth,
  socks5,
  socks5Auth,
  shadowsocks,
  tunnel,
  chained(http, shadowsocks),
  chained(socks5, http),
  chained(shadowsocks, socks5Auth),
  chained(shadowsocks, shadowsocks),
  chained(shadowsocks, tunnel),
  chained(tunnel, socks5Auth),
  chained(chained(shadowsocks, http), shadowsocks),
  chained(shadowsocks, chained(http, shadowsocks)),
  chained(chained(socks5, shadowsocks), chained(httpAuth, shadowsocks)),
  chained(shadowsocks, chained(shadowsocks, shadowsocks)),
];
