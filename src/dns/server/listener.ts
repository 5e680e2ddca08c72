/** The resolver's ears: UDP and TCP on one port of loopback, of both families. The kernel's rules bring all DNS here. */
import { SnetError } from '../../base/errors.ts';
import { formatHostPort } from '../../net/address.ts';
import type { Resolve } from './resolve.ts';
import { serveTcp, TCP_LIMITS, type TcpLimits } from './tcp.ts';
import { serveUdp } from './udp.ts';

export type DnsListenStatus =
  /** Somebody else has the port. */
  | 'ERR_PORT_IN_USE'
  /** Any other reason. */
  | 'ERR_LISTEN';

export class DnsListenError extends SnetError<DnsListenStatus> {}

export interface DnsListener {
  readonly port: number;
  /** False where this machine has no IPv6. */
  readonly ipv6: boolean;
  close(): void;
}

export interface DnsListenOptions {
  readonly port: number;
  readonly resolve: Resolve;
  /** Told what a query or a socket threw. No single one ends the listener. */
  readonly failed: (error: unknown) => void;
  /** Who has a port of this machine, in words, if that can be told. */
  readonly holder: (port: number) => string | undefined;
  readonly tcp?: TcpLimits;
}

/** Two programs may be given the same free port, one for TCP and one for UDP. */
const TRIES = 3;

/**
 * Listens on all addresses, on a port that nobody has, for what was asked of resolvers with link-local addresses: that can
 * come to no address of loopback. Other machines could ask here too; to keep them out is the caller's business.
 * @throws (as rejection) DnsListenError where there is no IPv6, or no such port; nothing listens then
 */
export async function listenForLinkLocal({
  resolve,
  failed,
  tcp = TCP_LIMITS,
}: Omit<DnsListenOptions, 'port' | 'holder'>): Promise<Omit<DnsListener, 'ipv6'>> {
  for (let tries = 1; ; tries++) {
    let stream: Closable | undefined;
    try {
      stream = serveTcp('::', 0, resolve, failed, tcp);
      const { port } = stream;
      const servers = [stream, await serveUdp('::', port, resolve, failed)];
      return { port, close: () => servers.forEach((server) => server.close()) };
    } catch (cause) {
      stream?.close();
      if (tries === TRIES) throw listenError('::', stream?.port ?? 0, cause, () => undefined);
    }
  }
}

interface Closable {
  readonly port: number;
  close(): void;
}

/**
 * Listens on 127.0.0.1 and, where there is IPv6, on ::1.
 * @param options port 0 takes a free one
 * @throws (as rejection) DnsListenError; nothing listens then
 */
export async function listenDns(options: DnsListenOptions): Promise<DnsListener> {
  const { resolve, failed, tcp = TCP_LIMITS } = options;
  const opened: Closable[] = [];
  const on = async (hostname: string, port: number) => {
    // TCP first: who has a TCP port can be told.
    const stream = serveTcp(hostname, port, resolve, failed, tcp);
    opened.push(stream);
    opened.push(await serveUdp(hostname, stream.port, resolve, failed));
    return stream.port;
  };
  const close = () => opened.forEach((server) => server.close());

  let address = '127.0.0.1';
  let { port } = options;
  try {
    port = await on(address, port);
    address = '::1';
    await on(address, port);
    return { port, ipv6: true, close };
  } catch (cause) {
    if (address === '::1' && isWithoutIPv6(cause)) return { port, ipv6: false, close };
    close();
    throw listenError(address, port, cause, options.holder);
  }
}

function listenError(
  address: string,
  port: number,
  cause: unknown,
  holder: (port: number) => string | undefined,
) {
  const where = formatHostPort(address, port);
  if ((cause as { code?: string }).code !== 'EADDRINUSE')
    return new DnsListenError('ERR_LISTEN', `cannot listen on ${where} for DNS`, { cause });
  // Without its cause, which says the same in the system's words.
  const who = holder(port);
  return new DnsListenError(
    'ERR_PORT_IN_USE',
    `${where}, where DNS is to be answered, is in use${who === undefined ? '' : ` by ${who}`}`,
    { hint: 'Stop that program, or choose another port as dns.port.' },
  );
}

function isWithoutIPv6(cause: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((cause as { code?: string } | undefined)?.code ?? '');
}
