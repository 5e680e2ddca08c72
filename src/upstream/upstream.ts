/** A way out: where to connect, and what to speak there. One file or folder a protocol beside this file. */
import type { Endpoint } from '../net/address.ts';
import type { Session } from '../net/session.ts';

export interface Upstream {
  /** For logs, e.g. `shadowsocks 203.0.113.9:8388 (aes-256-gcm)`. Never a secret. */
  readonly label: string;
  /**
   * Addresses to connect to, the best first, for a flow to `destination`. Empty if the server's name has no address
   * at the moment.
   */
  endpoints(destination: Endpoint): readonly Endpoint[];
  /** A connect to one of the endpoints failed, or worked: what `endpoints` says next may change. */
  report(endpoint: Endpoint, worked: boolean): void;
  /** What to speak for one flow; undefined where the bytes go out as they are. */
  session(destination: Endpoint): Session | undefined;
}
