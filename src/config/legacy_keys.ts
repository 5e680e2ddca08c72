/** The keys of the Go program's file (one flat object), by what becomes of them here. */

/** Keys that a translation reads, and where their values go. */
export const NEW_NAMES: ReadonlyMap<string, string> = new Map([
  ['listen-port', 'listen.port'],
  ['proxy-scope', 'scope'],
  ['proxy-timeout', 'timeouts.idle'],
  ['proxy-type', 'upstream.type'],
  ['bypass-hosts', 'bypass'],
  ['ss-host', 'upstream.server'],
  ['ss-port', 'upstream.port'],
  ['ss-cipher-method', 'upstream.method'],
  ['ss-chpier-method', 'upstream.method'],
  ['ss-passwd', 'upstream.password'],
  ['ss2-host', 'upstream.server'],
  ['ss2-port', 'upstream.port'],
  ['ss2-cipher-method', 'upstream.method'],
  ['ss2-passwd', 'upstream.password'],
  ['ss2-password', 'upstream.password'],
  ['cn-dns', 'dns.china'],
  ['fq-dns', 'dns.trusted'],
  ['enable-dns-cache', 'dns.cache.size'],
  ['enforce-ttl', 'dns.cache.min-ttl and dns.cache.max-ttl'],
  ['disable-qtypes', 'dns.refuse-types'],
  ['force-fq', 'dns.names.foreign'],
  ['host-map', 'dns.hosts'],
  ['block-hosts', 'dns.block'],
  ['block-host-file', 'dns.lists.block'],
  ['dns-logging-file', 'dns.log'],
]);

export interface UpstreamKeys {
  readonly server: readonly string[];
  readonly port: readonly string[];
  readonly method: readonly string[];
  readonly password: readonly string[];
}

/**
 * By proxy-type; of several names the first that is there counts. `ss-chpier-method` was a typing mistake that became
 * the name; `ss2-password` is what the README wrote where the code read `ss2-passwd`.
 */
export const UPSTREAM_KEYS: Readonly<Record<'ss' | 'ss2', UpstreamKeys>> = {
  ss: {
    server: ['ss-host'],
    port: ['ss-port'],
    method: ['ss-cipher-method', 'ss-chpier-method'],
    password: ['ss-passwd'],
  },
  ss2: {
    server: ['ss2-host'],
    port: ['ss2-port'],
    method: ['ss2-cipher-method'],
    password: ['ss2-passwd', 'ss2-password'],
  },
};

/** Values of proxy-type that the Go program had besides. */
export const OTHER_PROXY_TYPES: readonly string[] = ['http', 'tls', 'socks5'];

const STATS = 'snet does not serve statistics yet';

/** Keys whose absence the proxy survives: a warning if they ask for something. */
export const NOT_YET: ReadonlyMap<string, string> = new Map([
  ['enable-stats', STATS],
  ['bypass-src-ips', 'snet catches only connections of this machine itself yet'],
  ['active-eni', 'snet does not run on macOS yet'],
]);

/** Keys of what is always done here: names in use are asked for anew before they expire, without a list of the most used. */
const ALWAYS: readonly string[] = ['dns-prefetch-enable'];

/** Keys that mean nothing unless another key, which is looked at, has a certain value. */
const DEPENDENT: readonly string[] = [
  'dns-prefetch-count',
  'dns-prefetch-interval',
  'stats-port',
  'stats-enable-tls-sni-sniffer',
  'stats-enable-http-host-sniffer',
  'http-proxy-host',
  'http-proxy-port',
  'http-proxy-auth-user',
  'http-proxy-auth-password',
  'tls-host',
  'tls-port',
  'tls-token',
  'socks5-host',
  'socks5-port',
  'socks5-auth-user',
  'socks5-auth-password',
  'upstream-type',
  'upstream-tls-server-listen',
  'upstream-tls-server-key',
  'upstream-tls-server-crt',
  'upstream-tls-server-token',
];

/** Every key that the Go program read, and the one that its README invented. */
export const LEGACY_KEYS: ReadonlySet<string> = new Set([
  ...NEW_NAMES.keys(),
  ...NOT_YET.keys(),
  ...ALWAYS,
  ...DEPENDENT,
  'as-upstream',
  'listen-host',
  'mode',
  'ss2-key',
]);
