/** Upstreams that are right by themselves, but not where they stand; and what is to be said of those that are. */
import type { UpstreamConfig } from './config.ts';
import { isObject, valueAt, type Document } from './document.ts';
import type { Problem } from './error.ts';
import type { Path } from './jsonc.ts';
import { isStreamMethod, refuseStream, WHY_INSECURE } from './shadowsocks_methods.ts';
import type { Entry } from './upstream_schema.ts';

/** Something of the list, and its place in the file. */
export interface Placed<T> {
  readonly value: T;
  readonly path: Path;
}

/** So many servers in a row: the transport's buffers have room for what their sessions hold back. */
const LONGEST_CHAIN = 4;

interface Judgement {
  readonly problems: readonly Problem[];
  /** For a person: one line each, no secret. */
  readonly warnings: readonly string[];
}

/** @param allowed may methods without authentication be used? */
export function judgeUpstreams(
  entries: readonly Placed<Entry>[],
  document: Document,
  allowed: boolean,
): Judgement {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  for (const { value: entry, path } of entries) {
    if (entry.type === 'subscription') continue;
    const chain = chainOf(entry, path);
    const tooDeep = chain[LONGEST_CHAIN];
    if (tooDeep) {
      const found = `${chain.length} servers in a row`;
      problems.push({ ...document.originOf(tooDeep.path), found, expected: `at most ${LONGEST_CHAIN}` });
    }
    for (const { value: upstream, path } of chain) {
      // A link has no places within it.
      const originOf = (...keys: string[]) =>
        document.originOf(isObject(valueAt(document.value, path)) ? [...path, ...keys] : path);
      const warn = (text: string, ...keys: string[]) => {
        const { where, key } = originOf(...keys);
        warnings.push(`${where}: ${key === undefined ? '' : `${key}: `}${text}`);
      };
      if ('tls' in upstream && upstream.tls?.insecure && upstream.tls.pins.length === 0) {
        warn(UNCHECKED, 'tls', 'insecure');
      }
      if (upstream.type !== 'shadowsocks' || !isStreamMethod(upstream.method)) continue;
      if (allowed) {
        warn(`${upstream.method}: ${WHY_INSECURE}`, 'method');
      } else {
        const { expected, found = 'another method', hint } = refuseStream(upstream.method);
        problems.push({ ...originOf('method'), found, expected, hint });
      }
    }
  }
  return { problems, warnings };
}

const UNCHECKED =
  "the server's certificate is not checked: anybody on the way can pretend to be it and read what is sent, our password or token included; a pin would prevent that";

/** An upstream, and what it is reached through, one through the next. */
function chainOf(value: UpstreamConfig, path: Path): Placed<UpstreamConfig>[] {
  return [{ value, path }, ...(value.via ? chainOf(value.via, [...path, 'via']) : [])];
}
