/** The file's upstreams, to what the program uses and back. */
import { resolve as absolute } from 'node:path';
import type { Config, SubscriptionConfig, TlsConfig, UpstreamConfig } from './config.ts';
import { formatDuration } from './duration.ts';
import type { Entry } from './upstream_schema.ts';

/** @param folder which relative paths begin at */
export function upstreamsOf(
  entries: readonly Entry[],
  folder: string,
): { readonly upstreams: UpstreamConfig[]; readonly subscriptions: SubscriptionConfig[] } {
  const upstreams: UpstreamConfig[] = [];
  const subscriptions: SubscriptionConfig[] = [];
  for (const entry of entries) {
    if (entry.type === 'subscription') subscriptions.push({ url: entry.url, refresh: entry.refresh });
    else upstreams.push(located(entry, folder));
  }
  return { upstreams, subscriptions };
}

function located(upstream: UpstreamConfig, folder: string): UpstreamConfig {
  const via = upstream.via && located(upstream.via, folder);
  if (!('tls' in upstream) || upstream.tls === undefined) return { ...upstream, via };
  const path = (text: string | undefined) => (text === undefined ? undefined : absolute(folder, text));
  const { ca, cert, key } = upstream.tls;
  return { ...upstream, via, tls: { ...upstream.tls, ca: path(ca), cert: path(cert), key: path(key) } };
}

/** What the file would say under `upstream`, every default written out, secrets as objects that show nothing. */
export function upstreamFileOf({ upstreams, subscriptions }: Config): unknown {
  const entries = [
    ...upstreams.map(objectOf),
    ...subscriptions.map(({ url, refresh }) => ({
      type: 'subscription',
      url,
      refresh: formatDuration(refresh),
    })),
  ];
  return entries.length === 1 ? entries[0] : entries;
}

function objectOf(upstream: UpstreamConfig): Record<string, unknown> {
  const { via } = upstream;
  const shared = { ...upstream, via: via && objectOf(via) };
  switch (upstream.type) {
    case 'shadowsocks': {
      const { rawKey, ...rest } = { rawKey: upstream.rawKey, ...shared };
      return { ...rest, ...(rawKey && { 'raw-key': true }) };
    }
    case 'http':
      return { ...shared, tls: upstream.tls ? tlsObjectOf(upstream.tls) : false };
    case 'tls':
      return { ...shared, tls: tlsObjectOf(upstream.tls) };
    default:
      return shared;
  }
}

function tlsObjectOf({ pins, ...rest }: TlsConfig): Record<string, unknown> {
  return { ...rest, pin: pins };
}
