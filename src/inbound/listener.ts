/** Our two listeners, one a family, on loopback: the kernel's rules send connections there, nobody else should. */
import type { SocketHandler } from 'bun';
import { isWithoutIPv6, listenOn } from '../net/listen.ts';

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
 * @throws ListenError; nothing listens then
 */
export function listen<T>(
  port: number,
  handlers: (family: 4 | 6) => SocketHandler<T>,
  holder: (port: number) => string | undefined,
): Listener {
  const shared = { holder, elsewhere: 'with --port' };
  const v4 = listenOn({ hostname: '127.0.0.1', port, handlers: handlers(4), ...shared });
  let v6: { stop(): void } | undefined;
  try {
    v6 = listenOn({ hostname: '::1', port: v4.port, handlers: handlers(6), ...shared });
  } catch (error) {
    if (!isWithoutIPv6(error)) {
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
