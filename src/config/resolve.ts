/** From what was written to what the program uses. */
import * as v from 'valibot';
import type { Config } from './config.ts';
import { dnsConfigOf } from './dns_form.ts';
import type { Document } from './document.ts';
import { formatDuration } from './duration.ts';
import { ConfigError, type Problem } from './error.ts';
import { NEW_NAMES } from './legacy_keys.ts';
import { problemsOf } from './problems.ts';
import { FILE, type File } from './schema.ts';
import type { ServerConfig } from './server_config.ts';
import { serverConfigOf } from './server_form.ts';
import { SHARE_LINK_FORM } from './share_link.ts';
import { upstreamsOf } from './upstream_form.ts';
import { judgeUpstreams, type Placed } from './upstream_rules.ts';
import type { Entry } from './upstream_schema.ts';

export interface Folders {
  /** Which relative paths begin at. */
  readonly file: string;
  /** The same, of upstreams. */
  readonly upstream: string;
}

export interface Resolved {
  readonly config: Config;
  /** The far end's, which is no part of what `snet run` does; undefined: there is none. */
  readonly server: ServerConfig | undefined;
  /** For a person: one line each, no secret. */
  readonly warnings: readonly string[];
}

/** @throws ConfigError with every problem that there is */
export function resolve(document: Document, folders: Folders): Resolved {
  return fromFile(checkedFile(document), document, folders);
}

/** The file by its form. @throws ConfigError with every problem that there is */
export function checkedFile(document: Document): File {
  const result = v.safeParse(FILE, document.value);
  const problems = problemsOf(FILE, document, result.issues ?? [], NEW_NAMES);
  if (!result.success || problems.length > 0) throw new ConfigError('ERR_CONFIG_VALUE', problems);
  return result.output;
}

function fromFile(file: File, document: Document, folders: Folders): Resolved {
  const { upstream, group, timeouts } = file;
  if (!upstream) {
    throw new ConfigError('ERR_CONFIG_NO_UPSTREAM', [
      {
        ...document.originOf(['upstream']),
        found: 'no upstream',
        expected: SHARE_LINK_FORM,
        hint: 'give it as an argument, in SNET_UPSTREAM, or as "upstream" in the file that -c names',
      },
    ]);
  }
  const entries = entriesOf(upstream);
  const { problems: unusable, warnings } = judgeUpstreams(entries, document, file['allow-insecure-ciphers']);
  const problems = [...unusable, ...conflicts(file, document)];
  if (problems.length > 0) throw new ConfigError('ERR_CONFIG_VALUE', problems);
  const probeUrl = group['probe-url'];
  const config: Config = {
    ...upstreamsOf(
      entries.map(({ value }) => value),
      folders.upstream,
    ),
    group: {
      policy: group.policy,
      probe: probeUrl === false ? undefined : { url: probeUrl, interval: group['probe-interval'] },
    },
    allowInsecureCiphers: file['allow-insecure-ciphers'],
    port: file.listen.port,
    scope: file.scope,
    bypass: file.bypass,
    redirect: {
      mechanism: file.redirect.mechanism,
      gid: file.redirect.gid,
      ipv6Fallback: file.redirect['ipv6-fallback'],
      reloadPfConf: file.redirect['reload-pf-conf'],
    },
    dns: file.dns === false ? undefined : dnsConfigOf(file.dns, folders.file),
    timeouts: {
      dial: timeouts.dial,
      idle: timeouts.idle,
      halfClosed: timeouts['half-closed'],
      firstData: timeouts['first-data'],
    },
    aead: file.aead,
    maxConnections: file['max-connections'],
    logLevel: file.log.level,
  };
  const server = file.server && serverConfigOf(file, file.server, folders.file);
  return { config, server, warnings };
}

/** Each with its place. */
function entriesOf(upstream: NonNullable<File['upstream']>): readonly Placed<Entry>[] {
  if (!Array.isArray(upstream)) return [{ value: upstream, path: ['upstream'] }];
  return upstream.map((value, i) => ({ value, path: ['upstream', i] }));
}

/** Values that are right by themselves, but not beside each other. */
function conflicts({ listen, dns }: File, document: Document): Problem[] {
  if (dns === false) return [];
  const problems: Problem[] = [];
  if (dns.port === listen.port) {
    problems.push({
      ...document.originOf(['dns', 'port']),
      found: String(dns.port),
      expected: 'another port than listen.port',
      hint: 'connections and DNS over TCP are taken apart by their port',
    });
  }
  const { 'min-ttl': least, 'max-ttl': most } = dns.cache;
  if (least > most) {
    const longest = formatDuration(most * 1000);
    problems.push({
      ...document.originOf(['dns', 'cache', 'min-ttl']),
      found: JSON.stringify(formatDuration(least * 1000)),
      expected: `at most dns.cache.max-ttl, "${longest}"`,
    });
  }
  return problems;
}
