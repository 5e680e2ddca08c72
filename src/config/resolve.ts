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

/**
 * @param folder which relative paths begin at
 * @throws ConfigError with every problem that there is
 */
export function resolve(document: Document, folder: string): Config {
  const result = v.safeParse(FILE, document.value);
  const problems = problemsOf(FILE, document, result.issues ?? [], NEW_NAMES);
  if (!result.success || problems.length > 0) throw new ConfigError('ERR_CONFIG_VALUE', problems);
  return fromFile(result.output, document, folder);
}

function fromFile(file: File, document: Document, folder: string): Config {
  const { upstream, timeouts } = file;
  if (!upstream) {
    throw new ConfigError('ERR_CONFIG_NO_UPSTREAM', [
      {
        ...document.originOf(['upstream']),
        found: 'no upstream',
        expected: 'a share link ss://METHOD:PASSWORD@HOST:PORT',
        hint: 'give it as an argument, in SNET_UPSTREAM, or as "upstream" in the file that -c names',
      },
    ]);
  }
  const problems = conflicts(file, document);
  if (problems.length > 0) throw new ConfigError('ERR_CONFIG_VALUE', problems);
  return {
    upstream,
    port: file.listen.port,
    scope: file.scope,
    bypass: file.bypass,
    redirect: file.redirect,
    dns: file.dns === false ? undefined : dnsConfigOf(file.dns, folder),
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
