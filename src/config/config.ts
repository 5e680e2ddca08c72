/** The checked configuration, as the program uses it. The file's form is in schema.ts. */
import type { LogLevel } from '../base/log.ts';
import type { Secret } from '../base/secret.ts';
import type { Host } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import type { DnsConfig } from './dns_config.ts';
import type { AeadMethod, ShadowsocksMethod, StreamMethod } from './shadowsocks_methods.ts';

export type { AeadMethod, StreamMethod };

export interface Config {
  /** In order of preference. At least one, unless there are subscriptions. */
  readonly upstreams: readonly UpstreamConfig[];
  /** Documents that name more of them; theirs come after those above. */
  readonly subscriptions: readonly SubscriptionConfig[];
  readonly group: GroupConfig;
  /** Whether Shadowsocks methods without authentication may be used, of subscriptions too. */
  readonly allowInsecureCiphers: boolean;
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

export type UpstreamConfig = ShadowsocksConfig | HttpConfig | Socks5Config | TunnelConfig;

/** What every upstream has. */
interface Server {
  readonly server: Host;
  readonly port: number;
  /** Its name in logs, as a share link or a subscription gave it: any text. */
  readonly tag: string | undefined;
  /** What its server is reached through; undefined: directly. */
  readonly via: UpstreamConfig | undefined;
  /** Whether it is told the name of a target, where one is known, instead of the address. */
  readonly names: boolean;
}

export interface ShadowsocksConfig extends Server {
  readonly type: 'shadowsocks';
  readonly method: ShadowsocksMethod;
  /** For a 2022 method base64 of its key, or of several with colons between (SIP022), found right. */
  readonly password: Secret;
  /** `password` is base64url of the cipher's key itself, of the right length; for AEAD methods only. */
  readonly rawKey?: true;
  readonly plugin: PluginConfig | undefined;
}

/** A program that carries Shadowsocks in something else (SIP003). */
export interface PluginConfig {
  /** A name to be found in PATH, or an absolute path. */
  readonly program: string;
  /** SS_PLUGIN_OPTIONS as it is, with its backslashes. May hold secrets. */
  readonly options: string | undefined;
}

/** HTTP CONNECT. */
export interface HttpConfig extends Server {
  readonly type: 'http';
  /** Without a colon (RFC 7617 §2). undefined: no credentials are sent. */
  readonly user: string | undefined;
  /** undefined without a user. */
  readonly password: Secret | undefined;
  /** undefined: plain HTTP to the proxy. */
  readonly tls: TlsConfig | undefined;
}

/** RFC 1928; with a user and a password RFC 1929: each of 1 to 255 bytes. */
export interface Socks5Config extends Server {
  readonly type: 'socks5';
  readonly user: string | undefined;
  /** undefined without a user, and only then. */
  readonly password: Secret | undefined;
}

/** The TLS tunnel of the Go program and of `snet server`. */
export interface TunnelConfig extends Server {
  readonly type: 'tls';
  /** 1 to 65535 bytes. */
  readonly token: Secret;
  readonly tls: TlsConfig;
}

export interface TlsConfig {
  /** The name to ask for, and to find in the certificate; undefined: the server's, if it is a name. */
  readonly sni: string | undefined;
  /** Absolute path of a PEM file: whom to believe instead of the system's authorities. */
  readonly ca: string | undefined;
  /** SHA-256 of certificates, 64 lower-case hexadecimal digits each: the server's is one of them. Empty: any. */
  readonly pins: readonly string[];
  /** Absolute paths of PEM files with the client's certificate and its key; both or none. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** True: any certificate will do that the pins, if there are some, allow. */
  readonly insecure: boolean;
}

/** A document with upstreams in it, fetched and fetched again. */
export interface SubscriptionConfig {
  /** An https URL. Secret, since those who know it have the upstreams. */
  readonly url: Secret;
  /** Milliseconds from one fetch to the next. */
  readonly refresh: number;
}

/** Which of several upstreams a new connection takes: the first that works, the fastest, all in turn, or one per target. */
export const POLICIES = ['failover', 'fastest', 'round-robin', 'sticky'] as const;
export type Policy = (typeof POLICIES)[number];

export interface GroupConfig {
  readonly policy: Policy;
  /** An http URL that is asked for through each upstream, and every how many milliseconds; undefined: none is. */
  readonly probe: { readonly url: string; readonly interval: number } | undefined;
}

/** `auto`: the first that works here. */
export const MECHANISM_PREFERENCES = ['auto', 'nftables', 'iptables', 'pf'] as const;
export type MechanismPreference = (typeof MECHANISM_PREFERENCES)[number];

export interface RedirectConfig {
  readonly mechanism: MechanismPreference;
  /** Group id that marks our own sockets. Needs no entry in /etc/group. */
  readonly gid: number;
  /** macOS: what becomes of IPv6 connections where it is not proven that they can be caught. */
  readonly ipv6Fallback: Ipv6Fallback;
  /** macOS: whether /etc/pf.conf may be loaded anew where pf's main rules don't lead to ours. */
  readonly reloadPfConf: boolean;
}

/** `block`: refused at once, so that programs use IPv4. `direct`: straight out, past the upstream. */
export const IPV6_FALLBACKS = ['block', 'direct'] as const;
export type Ipv6Fallback = (typeof IPV6_FALLBACKS)[number];

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
