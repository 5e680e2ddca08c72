/** What `snet server` is told: the far end's part of the checked configuration. The file's form is in server_schema.ts. */
import type { LogLevel } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import type { Address } from '../net/address.ts';
import type { AeadPreference, Timeouts } from './config.ts';
import type { AeadMethod, Method2022 } from './shadowsocks_methods.ts';

export interface ServerConfig {
  /** At least one. */
  readonly listeners: readonly ListenerConfig[];
  /** Which ports clients may go to. */
  readonly ports: readonly PortRange[];
  /** Whether clients may go to loopback, private and other special nets. */
  readonly allowPrivate: boolean;
  /** The most connections at once; undefined: as many as the file descriptor limit allows. */
  readonly maxConnections: number | undefined;
  /** The same, of one client address. */
  readonly maxPerClient: number;
  /** The same, of those that have not shown that they know a key. */
  readonly maxStrangers: number;
  readonly timeouts: Pick<Timeouts, 'dial' | 'idle' | 'halfClosed'> & {
    /** How long a client may take, at least, to say where it wants to go. Each is given up to twice as much. */
    readonly handshake: number;
    /** How long connections under way may go on after the signal to stop. */
    readonly drain: number;
  };
  /** Absolute path of a Unix socket that tells the state; undefined: there is none. */
  readonly control: string | undefined;
  readonly aead: AeadPreference;
  readonly logLevel: LogLevel;
}

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export type ListenerConfig = ShadowsocksListener | TlsListener;

export interface Listen {
  /** undefined: all addresses, of both families where there is IPv6. */
  readonly address: Address | undefined;
  readonly port: number;
}

export interface ShadowsocksListener extends Listen {
  readonly type: 'shadowsocks';
  readonly method: AeadMethod | Method2022;
  /**
   * With users only for a method with identity headers, and for that always: the server's own key. Of 2022 methods
   * base64 of one key, found right.
   */
  readonly password: Secret | undefined;
  /** By name. Empty: there is one for all who know the password. */
  readonly users: ReadonlyMap<string, Secret>;
}

export interface TlsListener extends Listen {
  readonly type: 'tls';
  /** Absolute paths of PEM files: the server's certificate, with what it is signed by, and its key. */
  readonly cert: string;
  readonly key: string;
  /** Tokens by the user's name; at least one. */
  readonly users: ReadonlyMap<string, Secret>;
}
