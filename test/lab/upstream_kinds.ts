/** Every kind of upstream at the far end of the lab, made of programs that nobody here wrote, as a table. */
import type { FlowStatus } from '../../src/net/flow_status.ts';
import type { Netns } from './netns.ts';
import { FAR } from './internet.ts';
import {
  startDante,
  startMicrosocks,
  startSquid,
  startStunnel,
  startTinyproxy,
  type Identity,
} from './proxies.ts';
import { startServer, SERVER, shareLink } from './upstream.ts';

export interface Kind {
  readonly name: string;
  /** What `snet run` is given, for a server that wants credentials if it can. */
  readonly upstream: (identity: Identity) => string;
  /** Starts the far end. */
  readonly start: (far: Netns, folder: string, identity: Identity) => Promise<AsyncDisposable>;
  /** What the log says of a target where nobody listens. */
  readonly refused: FlowStatus;
  /** What it says of a wrong password; undefined: the server says nothing, on purpose. */
  readonly denied: FlowStatus | undefined;
}

export const LOGIN = { user: 'aladdin', password: 'open-sesame' };
const who = `${LOGIN.user}:${LOGIN.password}@`;

export const KINDS: readonly Kind[] = [
  {
    name: 'http, squid',
    upstream: () => `http://${who}${FAR.v4}:3128`,
    start: (far, folder) => startSquid(far, { folder, port: 3128, login: LOGIN }),
    refused: 'ERR_TARGET_UNREACHABLE',
    denied: 'ERR_PROXY_AUTH',
  },
  {
    name: 'http, tinyproxy',
    upstream: () => `http://${who}${FAR.v4}:8888`,
    start: (far, folder) => startTinyproxy(far, { folder, port: 8888, login: LOGIN }),
    refused: 'ERR_TARGET_UNREACHABLE',
    denied: 'ERR_PROXY_AUTH',
  },
  {
    name: 'https, squid',
    upstream: ({ pin }) => `https://${who}${FAR.v4}:3129?pin=${pin}`,
    start: (far, folder, identity) => startSquid(far, { folder, port: 3129, login: LOGIN, identity }),
    refused: 'ERR_TARGET_UNREACHABLE',
    denied: 'ERR_PROXY_AUTH',
  },
  {
    name: 'https, stunnel before tinyproxy',
    upstream: ({ pin }) => `https://${who}[${FAR.v6}]:4433?pin=${pin}`,
    async start(far, folder, identity) {
      const undo = new AsyncDisposableStack();
      undo.use(await startTinyproxy(far, { folder, port: 8888, login: LOGIN }));
      undo.use(await startStunnel(far, { folder, port: 4433, to: 8888, identity }));
      return undo;
    },
    refused: 'ERR_TARGET_UNREACHABLE',
    denied: 'ERR_PROXY_AUTH',
  },
  {
    name: 'socks5, dante',
    upstream: () => `socks5://${who}${FAR.v4}:1080`,
    start: (far, folder) => startDante(far, { folder, port: 1080, login: LOGIN }),
    refused: 'ERR_TARGET_REFUSED',
    denied: 'ERR_PROXY_AUTH',
  },
  {
    name: 'socks5, microsocks',
    upstream: () => `socks5://${who}${FAR.v4}:1081`,
    start: (far) => startMicrosocks(far, { port: 1081, login: LOGIN }),
    refused: 'ERR_TARGET_REFUSED',
    denied: 'ERR_PROXY_AUTH',
  },
  {
    name: 'shadowsocks, ss-server',
    upstream: () => shareLink(FAR.v4),
    start: (far) => startServer(far, SERVER),
    refused: 'ERR_UPSTREAM_NO_ANSWER',
    denied: undefined,
  },
];
