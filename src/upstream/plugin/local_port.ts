/** A port of loopback: one that is free, and whether somebody has begun to listen there. */
import { parseAddress, type Endpoint } from '../../net/address.ts';

const LOOPBACK = '127.0.0.1';
/** Milliseconds between two looks. */
const PAUSE = 25;

/** An endpoint on which nobody listens. Whoever is quicker than the caller gets it, which takes luck. */
export function freeEndpoint(): Endpoint {
  const listener = Bun.listen({ hostname: LOOPBACK, port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return { address: parseAddress(LOOPBACK)!, port };
}

/** Resolves as soon as a port of loopback accepts connections; with false when the signal comes before that. */
export async function accepting(port: number, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    try {
      const socket = await Bun.connect({ hostname: LOOPBACK, port, socket: { data() {} } });
      socket.end();
      return true;
    } catch {
      await Bun.sleep(PAUSE);
    }
  }
  return false;
}
