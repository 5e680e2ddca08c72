/** A way out: where to connect, and what to speak there. One file or folder a protocol beside this file. */
import type { Endpoint } from '../net/address.ts';
import type { FlowStatus } from '../net/flow_status.ts';
import type { Tunnel } from '../net/session.ts';
import type { RemoteEnd } from '../net/socket.ts';
import type { Target } from '../net/target.ts';
import type { TlsClient } from './tls_client.ts';

export interface Upstream {
  /** For logs, e.g. `shadowsocks 203.0.113.9:8388 (aes-256-gcm)`. Never a secret. */
  readonly label: string;
  /** TLS, which goes around all that is spoken; undefined: none. */
  readonly tls: TlsClient | undefined;
  /** Milliseconds that connecting to it may take while there is another upstream to be tried. */
  readonly patience: number;
  /** Whether it wants a target's name, where one is known, rather than its address. */
  readonly takesNames: boolean;
  /**
   * Addresses to connect to, the best first, for a flow to `destination`. Empty if the server's name has no address
   * at the moment.
   */
  endpoints(destination: Endpoint): readonly Endpoint[];
  /**
   * Connects in a way of its own, with TLS if there is some; undefined: by a socket. Events as of `dial`.
   * @throws SystemError if the kernel refuses at once
   */
  readonly dial?: ((endpoint: Endpoint, end: RemoteEnd) => Dialling) | undefined;
  /** Of a chain: the label of the server that the connection is made to, and TLS agreed on with; undefined: no chain. */
  readonly hop?: string | undefined;
  /** Of a chain: the labels of those that keep silent where they don't believe us. */
  readonly suspects?: string | undefined;
  /** What to speak on one new connection, to reach `target`. Empty where the bytes go out as they are. */
  tunnel(target: Target): Tunnel;
  /**
   * Since when it is known to be dead, in milliseconds of `performance.now`; undefined: it is not. Attempts begun before
   * lead nowhere, later ones are to find out whether it is back.
   */
  readonly downSince?: number | undefined;
  /** What became of a connection: what `endpoints` says next may change. */
  report(result: Result): void;
}

/** Connecting in a way of one's own, while it is under way. */
export interface Dialling {
  /** The label of the server of a chain whose answer is waited for. */
  readonly hop: string | undefined;
}

/** What was learnt of an upstream from one attempt to use it. */
export type Result = Outcome & {
  /** When the attempt was begun, in milliseconds of `performance.now`. */
  readonly began: number;
};

export type Outcome =
  /** The tunnel is open, `milliseconds` after the first SYN; `connecting` took so many of them, TLS included. */
  | {
      readonly kind: 'opened';
      readonly endpoint: Endpoint;
      readonly milliseconds: number;
      readonly connecting: number;
    }
  /** It did not come about. No endpoint: the upstream has none at the moment. Not the last: another of its own is tried. */
  | {
      readonly kind: 'failed';
      readonly endpoint: Endpoint | undefined;
      readonly status: FlowStatus;
      readonly isLast: boolean;
      /** Of a chain: the label of the server at which it failed. */
      readonly hop?: string | undefined;
    }
  /** A byte came back through it; of a probe, `milliseconds` after it was begun. */
  | { readonly kind: 'answered'; readonly milliseconds?: number }
  /**
   * Something was asked through an open tunnel, and for seconds, or to its end, not a byte came back. `target` is who
   * did not answer, who may be to blame; undefined: one that is known to answer. `hop`: of a chain, whose answer was
   * waited for, where that is known.
   */
  | { readonly kind: 'silent'; readonly target: string | undefined; readonly hop?: string | undefined };

/** All that flows which don't go straight out may go through. */
export interface Upstreams {
  /** For logs. */
  readonly label: string;
  /** Those to try for one flow, the best first. Empty: all are known to be dead. */
  candidates(destination: Endpoint): readonly Upstream[];
}
