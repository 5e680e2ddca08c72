/** What policies of names are made of, for tests. */
import { domainListBuilder } from '../../src/dns/lists/domain_list.ts';
import type { LoadedList, LoadedLists } from '../../src/dns/lists/load.ts';
import { noFindings, parseList } from '../../src/dns/lists/parse.ts';
import type { PlainMeaning } from '../../src/dns/lists/rule.ts';
import type { PolicyConfig } from '../../src/dns/policy.ts';

/** A configuration that says nothing of any name. */
export const PLAIN: PolicyConfig = {
  names: { china: [], foreign: [] },
  hosts: new Map(),
  block: [],
  blockAnswer: 'nxdomain',
  refuseTypes: { china: [], foreign: [], unknown: [] },
  local: [],
  upstreamIPv6: true,
};

/** Lists whose lines are these words; all of them are from `/lists/a.txt`. */
export function lists({ china = '', foreign = '', block = '' }): LoadedLists {
  return {
    china: list(china, 'suffix'),
    foreign: list(foreign, 'suffix'),
    block: list(block, 'exact'),
    warnings: [],
  };
}

function list(words: string, plain: PlainMeaning): LoadedList {
  const builder = domainListBuilder();
  for (const rule of parseList(words.replaceAll(' ', '\n'), plain, noFindings())) builder.add(rule, 0);
  return { ...builder.build(), locations: ['/lists/a.txt'] };
}
