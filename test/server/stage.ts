/** The far end in this process, on loopback, with a log that is kept; and clients of each kind for it. */
import { readFileSync } from 'node:fs';
import type { FlowStatus } from '../../src/net/flow_status.ts';
import { startServer, type Server } from '../../src/app/server/start.ts';
import type { Lookup } from '../../src/app/server/names.ts';
import { Pinned } from '../../ffi/memory.ts';
import { line, type Log } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { loadServerText } from '../../src/config/load_server.ts';
import type { ServerConfig } from '../../src/config/server_config.ts';
import { Outbox, type Session } from '../../src/net/session.ts';
import type { Target } from '../../src/net/target.ts';
import { METHODS, type Method, type MethodName } from '../../src/upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../../src/upstream/shadowsocks/shadowsocks.ts';
import { createTlsClient } from '../../src/upstream/tls/create.ts';
import type { TlsClient } from '../../src/upstream/tls_client.ts';
import { tlsTunnels } from '../../src/upstream/tunnel/tunnel.ts';
import type { Certificates } from '../dns/exchange/certificates.ts';
import { eventually } from '../lab/eventually.ts';
import { Client, loopback, relayTo } from '../relay/harness.ts';
import { credentialsOf, keyOf } from '../upstream/shadowsocks/ends.ts';

export const PASSWORD = 'correct horse';

/** One way to speak with the far end. */
export interface Speech {
  readonly name: string;
  /** As the configuration file has it. */
  readonly listener: Readonly<Record<string, unknown>>;
  readonly session: (target: Target, password?: string) => Session;
  readonly tls?: TlsClient;
}

/** What the configuration has for the password that is called so. */
export function passwordText(method: Method, password: string): string {
  if (method.edition === 2017) return password;
  return Buffer.from(keyOf(password, method.cipher.keySize)).toString('base64');
}

export function shadowsocks(name: MethodName): Speech {
  const method = METHODS[name];
  const protocols = new Map<string, ReturnType<typeof createShadowsocksProtocol>>();
  const protocolOf = (password: string) => {
    const known = protocols.get(password);
    if (known) return known;
    const made = createShadowsocksProtocol({ ...credentialsOf(method, password), aead: 'auto' });
    protocols.set(password, made);
    return made;
  };
  return {
    name,
    listener: {
      type: 'shadowsocks',
      listen: '127.0.0.1:1',
      method: name,
      password: passwordText(method, PASSWORD),
    },
    session: (target, password = PASSWORD) => protocolOf(password).session(target),
  };
}

export function tlsTunnel(certificates: Certificates): Speech {
  return {
    name: 'tls',
    listener: {
      type: 'tls',
      listen: '127.0.0.1:1',
      cert: certificates.certificate('good'),
      key: certificates.key('good'),
      token: PASSWORD,
    },
    session(target, password = PASSWORD) {
      return tlsTunnels(new Secret(password))(target).session!;
    },
    tls: createTlsClient({
      host: '127.0.0.1',
      caPem: readFileSync(certificates.authority, 'utf8'),
      pins: [],
      insecure: false,
    }),
  };
}

export interface StageOptions {
  /** The file's `server`, but for the listeners. */
  readonly server?: Readonly<Record<string, unknown>>;
  readonly timeouts?: Partial<ServerConfig['timeouts']>;
  readonly limit?: number;
  readonly lookup?: Lookup;
}

export interface Stage extends Disposable {
  readonly server: Server;
  /** Has it go by another configuration. @param keys the file's `server`, but for the listeners */
  use(listeners: readonly Speech['listener'][], keys?: Readonly<Record<string, unknown>>): void;
  readonly port: number;
  /** Lines of warnings and errors. */
  readonly warnings: readonly string[];
  /** How many connections have ended with each status. */
  ended(): Readonly<Record<string, number>>;
  /** Waits for that many ends with a status. */
  endedWith(status: FlowStatus | (string & {}), times?: number): Promise<void>;
}

/** Serves one listener, on a free port; private targets are allowed unless it is said otherwise. */
export function farEnd(speech: Pick<Speech, 'listener'>, options: StageOptions = {}): Stage {
  const { timeouts, limit = 1_000, lookup } = options;
  const configOf: (...of: Parameters<Stage['use']>) => ServerConfig = (listeners, keys) => {
    const server = { 'allow-private': true, listeners, ...keys };
    const written = loadServerText({ name: 'test', text: JSON.stringify({ server, aead: 'auto' }) });
    return {
      ...written,
      listeners: written.listeners.map((one) => ({ ...one, port: one.port === 1 ? 0 : one.port })),
      timeouts: { ...written.timeouts, ...timeouts },
    };
  };
  const warnings: string[] = [];
  const config = configOf([speech.listener], options.server);
  const server = startServer(config, limit, logTo(warnings), lookup);
  const ended = () => server.status().all.ended;
  return {
    server,
    use: (...given) => server.use(configOf(...given), limit),
    port: server.listeners[0]!.port,
    warnings,
    ended,
    async endedWith(status, times = 1) {
      await eventually(
        `${times} of ${status}, not ${JSON.stringify(ended())}`,
        () => ended()[status] === times,
      );
    },
    [Symbol.dispose]: () => server.stop(),
  };
}

function logTo(lines: string[]): Log {
  const nothing = () => {};
  return {
    debugging: false,
    error: (...said) => void lines.push(line(...said)),
    warn: (...said) => void lines.push(line(...said)),
    info: nothing,
    debug: nothing,
    setLevel: nothing,
  };
}

/** A program's way to `target`, through a relay that speaks with the far end. */
export function through(
  far: { readonly port: number },
  target: Target,
  speech: Speech,
  { timeouts, password }: { timeouts?: { halfClosed: number }; password?: string } = {},
) {
  const { tls } = speech;
  return relayTo([loopback(far.port)], {
    session: () => speech.session(target, password),
    ...(tls && { tls }),
    ...(timeouts && { timeouts }),
  });
}

/** One whose word has come back from an echo behind a relay: `echo WORD` is what it has heard. */
export async function underWay(relay: { readonly port: number }, word: string): Promise<Client> {
  const client = new Client(relay.port);
  (await client.socket).write(word);
  await eventually('an answer', () => client.text === `echo ${word}`);
  return client;
}

/** A client that says what it likes, within TLS where that is spoken. */
export function visit(far: { readonly port: number }, { tls }: Pick<Speech, 'tls'>): Client {
  return new Client(far.port, undefined, tls?.options);
}

/** What a client sends for `payload` to `target`, as one piece. */
export function sealed(speech: Speech, target: Target, payload: string, password = PASSWORD): Uint8Array {
  const plain = new Pinned(payload.length + 1);
  plain.bytes.set(Buffer.from(payload));
  const out = new Outbox(2 * payload.length + 2048);
  speech.session(target, password).seal(plain, 0, payload.length, out);
  return out.bytes.slice(0, out.end);
}
