/** Our two listeners, one a family, on loopback: the kernel's rules send connections there, nobody else should. */
import type { SocketHandler } from 'bun';
import { SnetError } from '../base/errors.ts';
import { formatHostPort } from '../net/address.ts';

export type InboundStatus =
  /** Somebody else listens there. */
  | 'ERR_PORT_IN_USE'
  /** Any other reason. */
  | 'ERR_LISTEN';

export class InboundError extends SnetError<InboundStatus> {}

export interface Listener {
  readonly port: number;
  /** False where this machine has no IPv6. */
  readonly ipv6: boolean;
  /** Takes no more connections; those accepted stay. */
  stop(): void;
}

/**
 * Listens on 127.0.0.1 and, where there is IPv6, on ::1.
 * @param handlers for each family; called once each
 * @param holder who listens on a port of this machine, in words, if that can be told
 * @throws InboundError; nothing listens then
 */
export function listen<T>(
  port: number,
  handlers: (family: 4 | 6) => SocketHandler<T>,
  holder: (port: number) => string | undefined,
): Listener {
  const v4 = listenOn('127.0.0.1', port, handlers(4), holder);
  let v6: { stop(): void } | undefined;
  try {
    v6 = listenOn('::1', v4.port, handlers(6), holder);
  } catch (error) {
    if (!(error instanceof InboundError) || !isWithoutIPv6(error.cause)) {
      v4.stop();
      throw error;
    }
  }
  return {
    port: v4.port,
    ipv6: v6 !== undefined,
    stop() {
      v4.stop();
      v6?.stop();
    },
  };
}

function listenOn<T>(
  hostname: string,
  port: number,
  handlers: SocketHandler<T>,
  holder: (port: number) => string | undefined,
) {
  try {
    return Bun.listen<T>({ hostname, port, socket: handlers, allowHalfOpen: true });
  } catch (cause) {
    const where = formatHostPort(hostname, port);
    if ((cause as { code?: string }).code === 'EADDRINUSE') {
      // Without its cause, which says the same in the system's words.
      const who = holder(port);
      const message = `${where} is in use${who === undefined ? '' : ` by ${who}`}`;
      throw new InboundError('ERR_PORT_IN_USE', message, {
        hint: 'Stop that program, or choose another port with --port.',
      });
    }
    throw new InboundError('ERR_LISTEN', `cannot listen on ${where}`, { cause });
  }
}

function isWithoutIPv6(cause: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((cause as { code?: string } | undefined)?.code ?? '');
}
