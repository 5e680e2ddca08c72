/** The checked configuration of the resolver. The file's form is in schema.ts, under `dns`. */
import type { Secret } from '../base/secret.ts';
import type { Address, Host } from '../net/address.ts';

export interface DnsConfig {
  /** UDP and TCP port of our listener on 127.0.0.1 and ::1; not 53 and not 5353. */
  readonly port: number;
  /** Asked directly. At least one. */
  readonly china: readonly ResolverConfig[];
  /** Asked through the upstream. At least one. */
  readonly trusted: readonly ResolverConfig[];
  /** What is done with a name that no list knows. `trusted-only` never shows it to the China resolvers. */
  readonly unknown: 'race' | 'trusted-only';
  /** Files (absolute paths after loading) or https URLs of domain lists, beside the small built-in ones. */
  readonly lists: {
    readonly china: readonly string[];
    readonly foreign: readonly string[];
    readonly block: readonly string[];
  };
  /** Names and `*.suffix` patterns; they count before the lists. */
  readonly names: {
    readonly china: readonly string[];
    readonly foreign: readonly string[];
  };
  /** Suffixes beside the standard ones whose names go to the system's own resolver. */
  readonly local: readonly string[];
  /** Name (or `*.suffix`) to addresses. */
  readonly hosts: ReadonlyMap<string, readonly Address[]>;
  /** Exact names and `*.suffix` patterns. */
  readonly block: readonly string[];
  readonly blockAnswer: 'nxdomain' | 'nodata' | 'zero';
  /** Types answered with NODATA, by kind of name. Numbers as in IANA's registry. */
  readonly refuseTypes: {
    readonly china: readonly number[];
    readonly foreign: readonly number[];
    readonly unknown: readonly number[];
  };
  /** SvcParams removed from HTTPS and SVCB answers (RFC 9460): `ech`, and `h3` out of `alpn`. */
  readonly strip: readonly ('ech' | 'h3')[];
  /** Mix upper and lower case in questions sent over UDP (draft-vixie-dnsext-dns0x20). */
  readonly mixCase: boolean;
  /** False: the upstream has no IPv6, so AAAA of names that go through it is NODATA at once. */
  readonly upstreamIPv6: boolean;
  readonly cache: CacheConfig;
  /** Where the query log goes: `stderr`, a file's path, or nowhere. */
  readonly log: string | undefined;
}

export interface CacheConfig {
  /** In bytes, all that is kept for answers. 0: no cache. */
  readonly size: number;
  /** In seconds. */
  readonly minTtl: number;
  readonly maxTtl: number;
  /** For how many seconds an expired answer may still be given. 0: never. */
  readonly stale: number;
  /** Kept over restarts here (answers and verdicts); undefined: not kept. */
  readonly directory: string | undefined;
}

/** How to reach one resolver. The address is configured, so that no name must be resolved to resolve names. */
export interface ResolverConfig {
  readonly transport: 'udp' | 'tcp' | 'tls' | 'https';
  readonly address: Address;
  readonly port: number;
  /** For tls and https: the name in the certificate. */
  readonly host: Host | undefined;
  /** For https: path of the template, e.g. `/dns-query`. */
  readonly path: string | undefined;
  /** A PEM file to trust instead of the system's; for resolvers of one's own. */
  readonly ca: string | undefined;
  /** In case a URL carries credentials. */
  readonly authorization: Secret | undefined;
}
