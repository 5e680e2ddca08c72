/** TLS to one server, as its configuration has it. */
import type { Socket, SocketHandler, TLSOptions } from 'bun';
import { parseAddress, type Host } from '../../net/address.ts';
import { remoteHandlers, type RemoteEnd, type RemoteSocket } from '../../net/socket.ts';
import { isOfTls, readTlsFailure, type TlsError } from '../../net/tls_failure.ts';
import type { TlsClient } from '../tls_client.ts';
import { judge, tlsError, type Belief } from './judge.ts';
import { Resumption } from './resumption.ts';

export interface TlsClientOptions {
  /** The server as it is configured: who it has to be, unless `sni` says otherwise. */
  readonly host: Host;
  /** The name to ask for and to find in the certificate; an address is only looked for there. */
  readonly sni?: Host | undefined;
  /** PEM of the authorities to believe; undefined: those that the runtime has built in (Mozilla's). */
  readonly caPem?: string | undefined;
  /** SHA-256 of certificates, 64 lower-case hexadecimal digits each: one of these, whoever has signed it. */
  readonly pins: readonly string[];
  /** PEM of our certificate, with what it is signed by, and of its key: both or none. */
  readonly certPem?: string | undefined;
  readonly keyPem?: string | undefined;
  /** True: any certificate will do that the pins, if there are some, allow. */
  readonly insecure: boolean;
  /** Protocols to offer (RFC 7301). */
  readonly alpn?: readonly string[] | undefined;
}

/** Nothing is read from the environment, where NODE_TLS_REJECT_UNAUTHORIZED might turn verification off. */
export function createTlsClient(options: TlsClientOptions): TlsClient {
  const { host, sni, pins, insecure } = options;
  // A name is absolute in a certificate and in SNI without the dot (RFC 6066 §3).
  const belief: Belief = { server: host, name: (sni ?? host).replace(/\.$/, ''), pins, insecure };
  const resumption = new Resumption();
  return {
    options: socketOptions(belief, options),
    handlers: createHandlers(belief, resumption),
    warning:
      insecure && pins.length === 0
        ? `${host}: its certificate is not verified ("insecure"): whoever is on the way there can read and change all of it; pin its certificate ("pin") instead`
        : undefined,
    judge(socket, completed, error) {
      const refusal = judge(belief, { completed, error, certificate: certificateOf(socket) });
      if (refusal) resumption.forget();
      else resumption.believed(socket);
      return refusal;
    },
  };
}

function socketOptions(
  { name, pins, insecure }: Belief,
  { caPem, certPem, keyPem, alpn }: TlsClientOptions,
): TLSOptions {
  const isAddress = parseAddress(name) !== undefined;
  return {
    ...(!isAddress && { serverName: name }),
    // Where the runtime can judge by itself it does so too, whoever forgets to ask us.
    rejectUnauthorized: !isAddress && pins.length === 0 && !insecure,
    ...(caPem !== undefined && { ca: caPem }),
    ...(certPem !== undefined && { cert: certPem }),
    ...(keyPem !== undefined && { key: keyPem }),
    ...(alpn && { ALPNProtocols: alpn.map((one) => String.fromCharCode(one.length) + one).join('') }),
  };
}

/** undefined where there is none yet; the types don't say so. */
function certificateOf(socket: Socket<unknown>) {
  return socket.getPeerX509Certificate() as ReturnType<typeof socket.getPeerX509Certificate> | undefined;
}

/** There, but missing in the types (Bun 1.4.5): a session that may be resumed, of TLS 1.3 after the handshake. */
interface WithSession extends SocketHandler<RemoteEnd> {
  session(socket: RemoteSocket, session: Buffer): void;
}

function createHandlers(belief: Belief, resumption: Resumption): SocketHandler<RemoteEnd> {
  const broken = new WeakMap<RemoteSocket, TlsError>();
  const handlers: WithSession = {
    ...remoteHandlers,
    open(socket) {
      resumption.offer(socket);
      return remoteHandlers.open!(socket);
    },
    session: (_, session) => resumption.keep(session),
    error(socket, error) {
      if (!isOfTls(error)) return remoteHandlers.error!(socket, error);
      // The socket closes by itself.
      broken.set(socket, tlsError(belief, readTlsFailure(error, belief.name, undefined), error));
    },
    close(socket, error) {
      resumption.closed(socket);
      return remoteHandlers.close!(socket, error ?? broken.get(socket));
    },
  };
  return handlers;
}
