/** The resolver's part of the file, to what the program uses and back. */
import { resolve as absolute } from 'node:path';
import { formatAddress } from '../net/address.ts';
import { typeName } from '../net/record_type.ts';
import type { DnsConfig, ResolverConfig } from './dns_config.ts';
import { formatResolver } from './dns_resolver.ts';
import type { DnsFile } from './dns_schema.ts';
import { formatDuration } from './duration.ts';
import { formatSize } from './size.ts';

/** @param folder which relative paths begin at */
export function dnsConfigOf(file: DnsFile, folder: string): DnsConfig {
  const path = (text: string) => absolute(folder, text);
  const lists = (locations: readonly string[]) => locations.map((text) => (isUrl(text) ? text : path(text)));
  const resolvers = (all: readonly ResolverConfig[]) =>
    all.map((resolver) => (resolver.ca === undefined ? resolver : { ...resolver, ca: path(resolver.ca) }));
  const { cache } = file;
  return {
    port: file.port,
    china: resolvers(file.china),
    trusted: resolvers(file.trusted),
    unknown: file.unknown,
    lists: {
      china: lists(file.lists.china),
      foreign: lists(file.lists.foreign),
      block: lists(file.lists.block),
    },
    names: file.names,
    local: file.local,
    hosts: new Map(Object.entries(file.hosts)),
    block: file.block,
    blockAnswer: file['block-answer'],
    refuseTypes: file['refuse-types'],
    strip: file.strip,
    mixCase: file['mix-case'],
    upstreamIPv6: file['upstream-ipv6'],
    cache: {
      size: cache.size,
      minTtl: cache['min-ttl'],
      maxTtl: cache['max-ttl'],
      stale: cache.stale,
      directory: cache.directory === false ? undefined : path(cache.directory),
    },
    log: file.log === undefined || file.log === 'stderr' ? file.log : path(file.log),
  };
}

/** What the file would say, every default written out; without what authorizes us at a resolver. */
export function dnsFileOf(config: DnsConfig): Record<string, unknown> {
  const resolvers = (all: readonly ResolverConfig[]) =>
    all.map((resolver) => {
      const url = formatResolver(resolver);
      return resolver.ca === undefined ? url : { url, ca: resolver.ca };
    });
  const { refuseTypes, cache } = config;
  const seconds = (value: number) => formatDuration(value * 1000);
  return {
    port: config.port,
    china: resolvers(config.china),
    trusted: resolvers(config.trusted),
    unknown: config.unknown,
    lists: config.lists,
    names: config.names,
    local: config.local,
    hosts: Object.fromEntries(Array.from(config.hosts, ([name, all]) => [name, all.map(formatAddress)])),
    block: config.block,
    'block-answer': config.blockAnswer,
    'refuse-types': {
      china: refuseTypes.china.map(typeName),
      foreign: refuseTypes.foreign.map(typeName),
      unknown: refuseTypes.unknown.map(typeName),
    },
    strip: config.strip,
    'mix-case': config.mixCase,
    'upstream-ipv6': config.upstreamIPv6,
    cache: {
      size: formatSize(cache.size),
      'min-ttl': seconds(cache.minTtl),
      'max-ttl': seconds(cache.maxTtl),
      stale: seconds(cache.stale),
      directory: cache.directory ?? false,
    },
    log: config.log,
  };
}

function isUrl(location: string): boolean {
  return location.includes('://');
}
