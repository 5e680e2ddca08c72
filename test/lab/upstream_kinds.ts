/**
 * Every kind of upstream at the far end of the lab, as a table: programs that nobody here wrote wherever there are some
 * for it in Debian, else our own far end.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { FlowStatus } from '../../src/net/flow_status.ts';
import { ABROAD, FAR } from './internet.ts';
import type { Netns } from './netns.ts';
import type { Program } from './program.ts';
import {
  startDante,
  startMicrosocks,
  startSquid,
  startStunnel,
  startTinyproxy,
  type Identity,
} from './proxies.ts';
import { PORTS } from './services.ts';
import { startSnetServer } from './snet.ts';
import { SERVER, shareLink, startServer } from './upstream.ts';

export const KIND_NEEDS = ['squid', 'tinyproxy', 'danted', 'microsocks', 'stunnel', 'ss-server'];

export const LOGIN = { user: 'aladdin', password: 'open-sesame' };

/** What is running there. */
export interface FarEnd extends AsyncDisposable {
  /** What it has said so far of what it did. */
  log(): Promise<string>;
}

export interface FarOptions {
  /** A folder of the test: for its configuration. */
  readonly folder: string;
  readonly identity: Identity;
  /** With rules that forbid {@link ABROAD} over IPv4. */
  readonly forbids?: boolean;
  /** See {@link startStunnel}. */
  readonly clientsOf?: string;
}

export interface Kind {
  readonly name: string;
  /** What `snet run` is given, for a server that wants credentials if it can. */
  readonly upstream: (identity: Identity, password?: string) => string;
  readonly start: (far: Netns, options: FarOptions) => Promise<FarEnd>;
  /** Whether the end of one direction leaves the other as it is. */
  readonly halfCloses: boolean;
  /** What snet's log says of a target that refuses, and of one that there is no way to. */
  readonly refused: FlowStatus;
  readonly unreachable: FlowStatus;
  /** What it says of one that the server's rules forbid; undefined: it has no such rules. */
  readonly forbidden: FlowStatus | undefined;
  /** What it says of a wrong password; undefined: the server keeps silent, on purpose. */
  readonly unauthorised: FlowStatus | undefined;
  /** What the server's own log says of these. */
  readonly far: {
    readonly carried: RegExp;
    readonly forbidden?: RegExp;
    /** Tinyproxy and microsocks say nothing of it. */
    readonly unauthorised?: RegExp;
  };
}

const who = (password: string) => `${LOGIN.user}:${password}@`;
const forbiddenBy = ({ forbids }: FarOptions) => (forbids ? { forbidden: ABROAD.v4 } : {});
const saying = (program: Program): FarEnd => ({
  log: async () => program.said(),
  [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
});

/** Squid and tinyproxy can't tell a target that refuses from one that there is no way to. */
const HTTP = {
  halfCloses: false,
  refused: 'ERR_TARGET_UNREACHABLE',
  unreachable: 'ERR_TARGET_UNREACHABLE',
  forbidden: 'ERR_PROXY_DENIED',
  unauthorised: 'ERR_PROXY_AUTH',
} as const;
const SOCKS5 = {
  refused: 'ERR_TARGET_REFUSED',
  unreachable: 'ERR_TARGET_UNREACHABLE',
  unauthorised: 'ERR_PROXY_AUTH',
} as const;
/** Those that can only close, or keep silent. */
const ON_TRUST = {
  refused: 'ERR_UPSTREAM_NO_ANSWER',
  unreachable: 'ERR_UPSTREAM_NO_ANSWER',
  unauthorised: undefined,
} as const;

const CONNECT = `CONNECT ${ABROAD.v4}:${PORTS.http}`;
const SQUID = {
  carried: new RegExp(`TCP_TUNNEL/200 \\d+ ${CONNECT} ${LOGIN.user} HIER_DIRECT/${ABROAD.v4}`),
  forbidden: new RegExp(`TCP_DENIED/403 \\d+ ${CONNECT} `),
  unauthorised: new RegExp(`TCP_DENIED/407 \\d+ ${CONNECT} ${LOGIN.user} `),
};
const TINYPROXY = {
  carried: new RegExp(`${CONNECT} HTTP/1\\.1`),
  forbidden: new RegExp(`Proxying refused on filtered domain "${ABROAD.v4}"`),
};
const OF_FLOW = `.*client=\\S+ target=${ABROAD.v4}:${PORTS.http} `;
const FAR_SNET = {
  carried: new RegExp(`status=OK ${OF_FLOW}`),
  forbidden: new RegExp(`status=ERR_FORBIDDEN ${OF_FLOW}`),
};

export const KINDS: readonly Kind[] = [
  {
    ...HTTP,
    name: 'http, squid',
    upstream: (_, password = LOGIN.password) => `http://${who(password)}${FAR.v4}:3128`,
    start: (far, options) =>
      startSquid(far, { ...forbiddenBy(options), folder: options.folder, port: 3128, login: LOGIN }),
    far: SQUID,
  },
  {
    ...HTTP,
    name: 'http, tinyproxy',
    upstream: (_, password = LOGIN.password) => `http://${who(password)}${FAR.v4}:8888`,
    start: async (far, options) => saying(await tinyproxy(far, options)),
    far: TINYPROXY,
  },
  {
    ...HTTP,
    name: 'https, squid',
    upstream: ({ pin }, password = LOGIN.password) => `https://${who(password)}${FAR.v4}:3129?pin=${pin}`,
    start: (far, options) =>
      startSquid(far, {
        ...forbiddenBy(options),
        folder: options.folder,
        port: 3129,
        login: LOGIN,
        identity: options.identity,
      }),
    far: SQUID,
  },
  {
    ...HTTP,
    name: 'https, stunnel before tinyproxy',
    upstream: ({ pin }, password = LOGIN.password) => `https://${who(password)}[${FAR.v6}]:4433?pin=${pin}`,
    async start(far, options) {
      await using undo = new AsyncDisposableStack();
      const behind = undo.use(await tinyproxy(far, options));
      undo.use(await startStunnel(far, { ...options, port: 4433, to: 8888 }));
      const kept = undo.move();
      return { log: async () => behind.said(), [Symbol.asyncDispose]: () => kept.disposeAsync() };
    },
    far: TINYPROXY,
  },
  {
    ...SOCKS5,
    name: 'socks5, dante',
    upstream: (_, password = LOGIN.password) => `socks5://${who(password)}${FAR.v4}:1080`,
    start: async (far, options) =>
      saying(
        await startDante(far, { ...forbiddenBy(options), folder: options.folder, port: 1080, login: LOGIN }),
      ),
    halfCloses: true,
    forbidden: 'ERR_PROXY_DENIED',
    far: {
      carried: new RegExp(`pass\\(\\d+\\): tcp/connect \\[: .*${LOGIN.user}.* ${ABROAD.v4}\\.${PORTS.http}`),
      forbidden: new RegExp(`block\\(\\d+\\): tcp/connect .* ${ABROAD.v4}\\.${PORTS.http}`),
      unauthorised: /password authentication failed/,
    },
  },
  {
    ...SOCKS5,
    name: 'socks5, microsocks',
    upstream: (_, password = LOGIN.password) => `socks5://${who(password)}${FAR.v4}:1081`,
    start: async (far) => saying(await startMicrosocks(far, { port: 1081, login: LOGIN })),
    halfCloses: false,
    forbidden: undefined,
    far: { carried: new RegExp(`connected to ${ABROAD.v4}:${PORTS.http}`) },
  },
  {
    ...ON_TRUST,
    name: 'shadowsocks, ss-server',
    upstream: (_, password = LOGIN.password) => shareLink(FAR.v4, { ...SERVER, password }),
    start: async (far) => saying(await startServer(far, { ...SERVER, password: LOGIN.password })),
    halfCloses: false,
    forbidden: undefined,
    far: { carried: /^/, unauthorised: /authentication error/ },
  },
  {
    ...ON_TRUST,
    name: 'shadowsocks 2022, snet server',
    upstream: (_, password = LOGIN.password) => shareLink(FAR.v6, edition2022(password)),
    start(far, options) {
      const { method, password, port } = edition2022(LOGIN.password);
      return farSnet(far, options, { type: 'shadowsocks', method, password, listen: String(port) });
    },
    halfCloses: true,
    forbidden: 'ERR_UPSTREAM_NO_ANSWER',
    far: { ...FAR_SNET, unauthorised: /status=ERR_AEAD / },
  },
  {
    ...ON_TRUST,
    name: 'tls, snet server',
    upstream: ({ pin }, token = LOGIN.password) => `snet+tls://${token}@${FAR.v4}:8443?pin=${pin}`,
    start(far, options) {
      const { certificate: cert, key } = options.identity;
      return farSnet(far, options, { type: 'tls', token: LOGIN.password, listen: '8443', cert, key });
    },
    halfCloses: true,
    forbidden: 'ERR_UPSTREAM_NO_ANSWER',
    far: { ...FAR_SNET, unauthorised: /status=ERR_PROXY_AUTH / },
  },
];

function tinyproxy(far: Netns, options: FarOptions): Promise<Program> {
  return startTinyproxy(far, { ...forbiddenBy(options), folder: options.folder, port: 8888, login: LOGIN });
}

/** @param password of which the key is made */
function edition2022(password: string) {
  const key = createHash('sha256').update(password).digest('base64');
  return { method: '2022-blake3-aes-256-gcm', password: key, port: 8389 };
}

async function farSnet(far: Netns, { folder, forbids }: FarOptions, listener: object): Promise<FarEnd> {
  const file = `${folder}/far.json`;
  // The greeter has the port of mail.
  const server = { listeners: [listener], ports: forbids ? '1-79,81-65535' : '1-65535' };
  await writeFile(file, JSON.stringify({ server, log: { level: 'debug' } }), { mode: 0o600 });
  return saying(await startSnetServer(far, ['-c', file]));
}
