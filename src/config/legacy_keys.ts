/** The keys of the Go program's file (one flat object), by what becomes of them here. */

import { UPSTREAM_NAMES } from './legacy_upstream.ts';

/** Keys that a translation reads, and where their values go. */
export const NEW_NAMES: ReadonlyMap<string, string> = new Map([
  ['listen-port', 'listen.port'],
  ['proxy-scope', 'scope'],
  ['proxy-timeout', 'timeouts.idle'],
  ['proxy-type', 'upstream.type'],
  ['bypass-hosts', 'bypass'],
  ...UPSTREAM_NAMES,
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
]);
