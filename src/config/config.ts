/** The checked configuration, as the program uses it. The file's form is in schema.ts. */
import type { LogLevel } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import type { Host } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import type { DnsConfig } from './dns_config.ts';
import type { ShadowsocksMethod } from './shadowsocks_methods.ts';

export interface Config {
  readonly upstream: UpstreamConfig;
  /** TCP port of the redirect listener on 127.0.0.1 and ::1. */
  readonly port: number;
  readonly scope: Scope;
  /** Destinations that go straight out: blocks, and names that are resolved at start. */
  readonly bypass: readonly (Cidr | Host)[];
  readonly redirect: RedirectConfig;
  /** undefined: names are resolved as they would be without us. */
  readonly dns: DnsConfig | undefined;
  readonly timeouts: Timeouts;
  readonly aead: AeadPreference;
  /** The most connections at once; undefined: as many as the file descriptor limit allows. */
  readonly maxConnections: number | undefined;
  readonly logLevel: LogLevel;
}

/** `bypass-cn`: addresses in China and private nets go straight out. `global`: private nets only. */
export const SCOPES = ['bypass-cn', 'global'] as const;
export type Scope = (typeof SCOPES)[number];

export type UpstreamConfig = ShadowsocksConfig;

export interface ShadowsocksConfig {
  readonly type: 'shadowsocks';
  readonly server: Host;
  readonly port: number;
  readonly method: ShadowsocksMethod;
  readonly password: Secret;
  /** The name that a share link gave it, for logs. */
  readonly tag: string | undefined;
}

/** `auto`: the first that works here. */
export const MECHANISM_PREFERENCES = ['auto', 'nftables', 'iptables'] as const;
export type MechanismPreference = (typeof MECHANISM_PREFERENCES)[number];

export interface RedirectConfig {
  readonly mechanism: MechanismPreference;
  /** Group id that marks our own sockets. Needs no entry in /etc/group. */
  readonly gid: number;
}

/** All in milliseconds. */
export interface Timeouts {
  /** From the first SYN to the upstream until it is connected. */
  readonly dial: number;
  /** A connection on which no byte has moved, in either direction, for this long is ended. */
  readonly idle: number;
  /** The same, once one direction has ended. */
  readonly halfClosed: number;
  /** How long to wait for the client's first bytes, to send them in one write with the upstream's header. */
  readonly firstData: number;
}

/** `auto`: the fastest that gives the right bytes here. */
export const AEAD_PREFERENCES = ['auto', 'libcrypto', 'node', 'noble'] as const;
export type AeadPreference = (typeof AEAD_PREFERENCES)[number];
