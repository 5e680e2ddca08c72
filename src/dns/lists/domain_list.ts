/** Names that are in a list, and what takes them out again. */
import { domainSetBuilder, type DomainMatch, type DomainSet } from '../../net/domain_set.ts';
import type { ListRule } from './rule.ts';

export interface DomainList {
  readonly names: DomainSet;
  readonly exceptions: DomainSet;
}

export interface DomainListBuilder {
  /** @param source the list's place among those that are read into one; see {@link DomainMatch} */
  add(rule: ListRule, source: number): void;
  build(): DomainList;
}

/** More sources than that are told as the last one. */
const MOST_SOURCES = 256;

export function domainListBuilder(): DomainListBuilder {
  const names = domainSetBuilder();
  const exceptions = domainSetBuilder();
  return {
    add: (rule, source) =>
      (rule.exception ? exceptions : names).add(rule, Math.min(source, MOST_SOURCES - 1)),
    build: () => ({ names: names.build(), exceptions: exceptions.build() }),
  };
}

/** As {@link DomainSet.rank}; 0 for a name that is excepted. */
export function rankIn({ names, exceptions }: DomainList, name: string): number {
  const rank = names.rank(name);
  return rank > 0 && exceptions.has(name) ? 0 : rank;
}

/** As {@link DomainSet.find}; undefined for a name that is excepted. */
export function findIn({ names, exceptions }: DomainList, name: string): DomainMatch | undefined {
  return exceptions.has(name) ? undefined : names.find(name);
}
