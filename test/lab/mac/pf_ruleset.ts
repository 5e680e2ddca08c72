/** What pf.conf(5) says, read: rules in the order of the file, lists kept as lists (one that matches is enough). */
import type { Cidr } from '../../../src/net/cidr.ts';
import type { Endpoint } from '../../../src/net/address.ts';

export interface Ruleset {
  /** Of `set skip on`. */
  readonly skip: readonly string[];
  /** `set block-policy`. */
  readonly blockPolicy: 'drop' | 'return';
  readonly tables: ReadonlyMap<string, TableDefinition>;
  /** Anchors alone: `scrub` itself cleans packets, and nothing here depends on it. */
  readonly normalization: readonly AnchorRule[];
  readonly translation: readonly (TranslationRule | AnchorRule)[];
  readonly dummynet: readonly AnchorRule[];
  readonly filter: readonly (FilterRule | AnchorRule)[];
  /** `load anchor NAME from FILE`, in the order of the file. */
  readonly loads: readonly { readonly anchor: string; readonly file: string }[];
}

export interface TableDefinition {
  readonly line: number;
  readonly persist: boolean;
  readonly constant: boolean;
  /** What it is loaded with: of its files and of its list. */
  readonly entries: readonly TableEntry[];
}

export interface TableEntry {
  readonly negated: boolean;
  readonly cidr: Cidr;
}

export interface Interface {
  readonly name: string;
  readonly negated: boolean;
}

export type Host =
  | { readonly what: 'block'; readonly negated: boolean; readonly cidr: Cidr }
  | { readonly what: 'table'; readonly negated: boolean; readonly name: string }
  /** The addresses of an interface: those at load time, or in parentheses those of the moment. */
  | { readonly what: 'interface'; readonly negated: boolean; readonly name: string };

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | '><' | '<>' | ':';

/** A test of a port, a user or a group; `high` counts for the last three operators. */
export interface NumberTest {
  readonly operator: Operator;
  readonly low: number;
  readonly high: number;
}

/** One side of `from … to …`; no hosts: any, no ports: all. */
export interface Side {
  readonly hosts: readonly Host[];
  readonly ports: readonly NumberTest[];
}

/** What every rule can say of the packets that it is about. */
export interface Selection {
  /** Of the file; 1 is the first. */
  readonly line: number;
  /** None: every one. */
  readonly interfaces: readonly Interface[];
  readonly family: 4 | 6 | undefined;
  /** Numbers of IP (tcp is 6); none: every one. */
  readonly protocols: readonly number[];
  readonly from: Side;
  readonly to: Side;
}

export interface TranslationRule extends Selection {
  readonly kind: 'rdr' | 'nat' | 'binat';
  /** `no rdr …`: what matches is not translated, by no later rule either. */
  readonly no: boolean;
  /** `rdr pass`: what is translated is not filtered. */
  readonly pass: boolean;
  /** Port 0: the port stays. */
  readonly target: Endpoint | undefined;
}

export interface Route {
  readonly kind: 'route-to' | 'reply-to' | 'dup-to';
  readonly interface: string;
  readonly address: Cidr | undefined;
}

export type BlockAnswer = 'policy' | 'drop' | 'return' | 'return-rst' | 'return-icmp';

export interface FilterRule extends Selection {
  readonly kind: 'filter';
  readonly action: 'pass' | 'block';
  /** Of `block`. */
  readonly answer: BlockAnswer;
  readonly direction: 'in' | 'out' | undefined;
  readonly quick: boolean;
  readonly route: Route | undefined;
  readonly users: readonly NumberTest[];
  readonly groups: readonly NumberTest[];
  /** `flags set/of`, each letter of FSRPAUEW; undefined: any. */
  readonly flags: { readonly set: string; readonly of: string } | undefined;
  readonly state: 'keep' | 'modulate' | 'synproxy' | 'none';
}

/** `anchor`, `rdr-anchor`, `nat-anchor` …: the rules of another ruleset at this place. */
export interface AnchorRule extends Selection {
  readonly kind: 'anchor';
  readonly of: 'filter' | 'rdr' | 'nat' | 'binat' | 'scrub' | 'dummynet';
  /** A path; behind a last `/*` all its children, one level, by name. */
  readonly name: string;
  readonly direction: 'in' | 'out' | undefined;
  readonly quick: boolean;
}
