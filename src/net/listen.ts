/** Listening for TCP connections, and why that can't be done. */
import type { SocketHandler, TLSOptions } from 'bun';
import { SnetError } from '../base/errors.ts';
import { formatHostPort } from './address.ts';

export type ListenStatus =
  /** Somebody else listens there. */
  | 'ERR_PORT_IN_USE'
  /** Ports below 1024 are root's. */
  | 'ERR_LISTEN_PERMISSION'
  /** Any other reason. */
  | 'ERR_LISTEN';

export class ListenError extends SnetError<ListenStatus> {}

export interface ListenOptions<Data> {
  /** An address; `::` takes IPv4, too. */
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly handlers: SocketHandler<Data>;
  /** What clients speak first, around all else: `open` comes before it, `data` is what is within. */
  readonly tls?: TLSOptions | undefined;
  /** Who has a port of this machine, in words, if that can be told. */
  readonly holder: (port: number) => string | undefined;
  /** How to choose another port: the end of a sentence. */
  readonly elsewhere: string;
}

/** What listens. `stop` takes no more connections; those accepted stay. */
export interface Listening {
  readonly port: number;
  stop(): void;
}

/** Half-open connections are allowed. @throws ListenError */
export function listenOn<Data>(options: ListenOptions<Data>): Listening {
  const { hostname, port, handlers, tls, holder, elsewhere } = options;
  try {
    const listener = Bun.listen<Data>({
      hostname,
      port,
      socket: handlers,
      allowHalfOpen: true,
      ...(tls && { tls }),
    });
    return { port: listener.port, stop: () => listener.stop() };
  } catch (cause) {
    const where = formatHostPort(hostname, port);
    const code = codeOf(cause);
    if (code === 'EADDRINUSE') {
      // Without its cause, which says the same in the system's words.
      const who = holder(port);
      throw new ListenError('ERR_PORT_IN_USE', `${where} is in use${who === undefined ? '' : ` by ${who}`}`, {
        hint: `Stop that program, or choose another port ${elsewhere}.`,
      });
    }
    if (code === 'EACCES') {
      throw new ListenError('ERR_LISTEN_PERMISSION', `only root may listen on ${where}`, {
        cause,
        hint: `Run the same command with sudo, or choose a port above 1023 ${elsewhere}.`,
      });
    }
    const hint = code === 'EADDRNOTAVAIL' ? 'This machine has no such address.' : undefined;
    throw new ListenError('ERR_LISTEN', `cannot listen on ${where}`, { cause, hint });
  }
}

/** Whether the reason is that this machine has no IPv6. */
export function isWithoutIPv6(error: unknown): boolean {
  const cause = error instanceof ListenError ? error.cause : error;
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(cause) ?? '');
}

function codeOf(cause: unknown): string | undefined {
  return (cause as { readonly code?: string } | undefined)?.code;
}
