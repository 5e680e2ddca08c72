/** What is effective, as the file would say it, without its secrets. */
import type { Config } from './config.ts';
import { formatCidr } from '../net/cidr.ts';
import { dnsFileOf } from './dns_form.ts';
import { isObject } from './document.ts';
import { formatDuration } from './duration.ts';
import type { Path } from './jsonc.ts';
import { REDACTED } from './links.ts';
import { FILE } from './schema.ts';
import { isSecret, schemaAt } from './schema_walk.ts';
import type { ServerConfig } from './server_config.ts';
import { serverFileOf } from './server_form.ts';
import { upstreamFileOf } from './upstream_form.ts';

/** The same of the far end alone. */
export function effectiveServer(config: ServerConfig): Record<string, unknown> {
  return redacted(serverFileOf(config)) as Record<string, unknown>;
}

/** In the form of the file, every default written out, secrets redacted. */
export function effective(config: Config, server?: ServerConfig): Record<string, unknown> {
  const { group, timeouts } = config;
  const file = {
    upstream: upstreamFileOf(config),
    group: {
      policy: group.policy,
      'probe-url': group.probe?.url ?? false,
      ...(group.probe && { 'probe-interval': formatDuration(group.probe.interval) }),
    },
    'allow-insecure-ciphers': config.allowInsecureCiphers,
    listen: { port: config.port },
    scope: config.scope,
    bypass: config.bypass.map((entry) => (typeof entry === 'string' ? entry : formatCidr(entry))),
    redirect: {
      mechanism: config.redirect.mechanism,
      gid: config.redirect.gid,
      'ipv6-fallback': config.redirect.ipv6Fallback,
      'reload-pf-conf': config.redirect.reloadPfConf,
    },
    dns: config.dns === undefined ? false : dnsFileOf(config.dns),
    timeouts: {
      dial: formatDuration(timeouts.dial),
      idle: formatDuration(timeouts.idle),
      'half-closed': formatDuration(timeouts.halfClosed),
      'first-data': formatDuration(timeouts.firstData),
    },
    aead: config.aead,
    'max-connections': config.maxConnections,
    server: server && serverFileOf(server)['server'],
    log: { level: config.logLevel },
  };
  return redacted(file) as Record<string, unknown>;
}

/**
 * A copy of a value of the file's form. What is not at a place that the schema knows, and knows to be no secret, is
 * replaced: a new key is hidden until somebody has said what it is.
 */
export function redacted(value: unknown, path: Path = [], root = value): unknown {
  if (value === undefined) return undefined;
  const schema = schemaAt(FILE, path, root);
  if (!schema) return REDACTED;
  if (isObject(value) && isPlain(value)) {
    const entries = Object.entries(value).map(([key, inner]) => [key, redacted(inner, [...path, key], root)]);
    return Object.fromEntries(entries) as unknown;
  }
  if (Array.isArray(value)) return value.map((item, i) => redacted(item, [...path, i], root));
  const harmless = value === null || ['string', 'number', 'boolean'].includes(typeof value);
  return harmless && !isSecret(schema) ? value : REDACTED;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
