/**
 * What is answered to a question without asking anybody, in the Go program's order: refused types, hosts, blocks.
 * Patterns are a name, or `*.suffix`: the suffix and all below it, with the dot boundary.
 */
import type { DnsConfig } from '../config/dns_config.ts';
import type { Address } from '../net/address.ts';
import { domainSet, NO_DOMAINS, type DomainEntry, type DomainSet } from '../net/domain_set.ts';
import { rankIn } from './lists/domain_list.ts';
import { builtinLists, type LoadedList, type LoadedLists } from './lists/load.ts';
import { readPattern } from './lists/rule.ts';
import { localNames, type LocalNames } from './local_names.ts';
import { explainEntry, kindOf, type KnownNames, type ListPair, type NameKind } from './name_kind.ts';
import type { Question, Reason } from './question.ts';
import { specialAnswer } from './special_names.ts';
import { CLASS, RCODE, TYPE, typeName } from './wire/constants.ts';

export type PolicyConfig = Pick<
  DnsConfig,
  'names' | 'hosts' | 'block' | 'blockAnswer' | 'refuseTypes' | 'local' | 'upstreamIPv6'
>;

export interface NamePolicy {
  readonly config: PolicyConfig;
  readonly known: KnownNames;
  readonly hosts: HostTable;
  /** The configuration's own patterns. */
  readonly block: DomainSet;
  readonly blockLists: LoadedList;
}

interface HostTable {
  readonly names: DomainSet;
  /** By entry, as {@link DomainSet.find} writes it. */
  readonly addresses: ReadonlyMap<string, readonly Address[]>;
}

export type Verdict = Ask | OwnAnswer;

export interface Ask {
  readonly action: 'ask';
  readonly name: NameKind;
}

export interface OwnAnswer {
  readonly action: 'answer';
  readonly reason: Extract<Reason, 'disabled' | 'mapped' | 'blocked'>;
  readonly rcode: typeof RCODE.NOERROR | typeof RCODE.NXDOMAIN;
  /** Of the families that the question's type asks for. None, with NOERROR: NODATA. */
  readonly addresses: readonly Address[];
  /** For a person: what decided. */
  readonly why: string;
}

/** Seconds that an answer of ours may be kept: the Go program's. */
export const POLICY_TTL = 100;

/**
 * @param system see {@link localNames}
 * @throws TypeError for a pattern that the configuration should not have let pass
 */
export function createNamePolicy(config: PolicyConfig, lists: LoadedLists, system?: LocalNames): NamePolicy {
  const addresses = new Map<string, readonly Address[]>();
  const hosts: DomainEntry[] = [];
  for (const [pattern, of] of config.hosts) {
    const entry = patternEntry(pattern);
    hosts.push(entry);
    addresses.set(entry.suffix ? `*.${entry.name}` : entry.name, of);
  }
  const suffixes = config.local.map((text) => ({ name: patternEntry(text).name, suffix: true }));
  return {
    config,
    known: { local: localNames(suffixes, system), lists: [configured(config), lists, builtinLists()] },
    hosts: { names: domainSet(hosts), addresses },
    block: domainSet(config.block.map(patternEntry)),
    blockLists: lists.block,
  };
}

function configured({ names }: PolicyConfig): ListPair {
  const list = (patterns: readonly string[]): LoadedList => ({
    names: domainSet(patterns.map(patternEntry)),
    exceptions: NO_DOMAINS,
    locations: ['the configuration'],
  });
  return { china: list(names.china), foreign: list(names.foreign) };
}

function patternEntry(text: string): DomainEntry {
  const entry = readPattern(text, 'exact');
  if (entry === undefined) throw new TypeError(`the config let the pattern ${text} pass`);
  return entry;
}

/** Answers, or says whom to ask. Questions of another class than IN are not about what this knows: they are asked. */
export function decidePolicy(question: Question, policy: NamePolicy): Verdict {
  const { config, hosts, block, blockLists } = policy;
  const { name, type } = question;
  const kind = kindOf(policy.known, name);
  const ask: Ask = { action: 'ask', name: kind };
  if (question.class !== CLASS.IN) return ask;

  if (kind.kind !== 'local' && config.refuseTypes[kind.kind].includes(type)) {
    return noData('disabled', `${typeName(type)} is refused for ${KIND_WORDS[kind.kind]} names`);
  }

  const host = hosts.names.find(name);
  if (host !== undefined) {
    const addresses = ofType(type, hosts.addresses.get(host.entry) ?? []);
    return {
      action: 'answer',
      reason: 'mapped',
      rcode: RCODE.NOERROR,
      addresses,
      why: `hosts ${host.entry}`,
    };
  }
  const special = specialAnswer(name);
  if (special !== undefined) {
    const reason = special.addresses.length > 0 ? 'mapped' : 'blocked';
    const rcode = special.exists ? RCODE.NOERROR : RCODE.NXDOMAIN;
    const addresses = ofType(type, special.addresses);
    return { action: 'answer', reason, rcode, addresses, why: special.source };
  }

  const pattern = block.find(name);
  if (pattern !== undefined) return blocked(config, type, `block ${pattern.entry}`);
  if (rankIn(blockLists, name) > 0) return blocked(config, type, explainEntry(blockLists, name));

  // An address that the upstream can't reach would only cost its asker a timeout.
  if (type === TYPE.AAAA && kind.kind === 'foreign' && !config.upstreamIPv6) {
    return noData('disabled', 'the upstream has no IPv6');
  }
  return ask;
}

const KIND_WORDS = { china: 'Chinese', foreign: 'foreign', unknown: 'unknown' } as const;

function noData(reason: OwnAnswer['reason'], why: string): OwnAnswer {
  return { action: 'answer', reason, rcode: RCODE.NOERROR, addresses: [], why };
}

/** 0.0.0.0 and ::, which on Linux and macOS lead to the asker's own machine, and fail there at once. */
const ZERO: readonly Address[] = [
  { family: 4, bytes: new Uint8Array(4) },
  { family: 6, bytes: new Uint8Array(16) },
];

function blocked({ blockAnswer }: PolicyConfig, type: number, why: string): OwnAnswer {
  const rcode = blockAnswer === 'nxdomain' ? RCODE.NXDOMAIN : RCODE.NOERROR;
  const addresses = blockAnswer === 'zero' ? ofType(type, ZERO) : [];
  return { action: 'answer', reason: 'blocked', rcode, addresses, why };
}

function ofType(type: number, addresses: readonly Address[]): readonly Address[] {
  if (type === TYPE.ANY) return addresses;
  const family = type === TYPE.A ? 4 : type === TYPE.AAAA ? 6 : undefined;
  return addresses.filter((address) => address.family === family);
}
