/** Goes through the words of one statement. */
import { PfError, SYNTAX, type Statement, type Token } from './pf_tokens.ts';

/** What a Mac knows by name. In rules of ours no name may stand, so that nothing is asked of the machine: all empty. */
export interface KnownNames {
  readonly interfaces: readonly string[];
  readonly services: Readonly<Record<string, number>>;
  readonly users: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, number>>;
}

export const NO_NAMES: KnownNames = { interfaces: ['lo0'], services: {}, users: {}, groups: {} };

/** Words of the grammar (the table in lookup() of parse.y): none of them names anything unless in quotes. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `all allow-opts altq anchor antispoof any bandwidth binat binat-anchor bitmask block block-policy cbq code crop debug
   divert-reply divert-to drop drop-ovl dup-to dummynet dummynet-anchor fastroute file fingerprints flags floating flush
   for fragment from global group hfsc hostid icmp-type icmp6-type if-bound in include inet inet6 keep label limit linkshare
   load log loginterface max max-mss max-src-conn max-src-conn-rate max-src-nodes max-src-states min-ttl modulate nat
   nat-anchor no no-df no-route no-sync on optimization os out overload pass port prio priority priq probability proto
   qlimit queue quick random random-id rdr rdr-anchor realtime reassemble reply-to require-order return return-icmp
   return-icmp6 return-rst round-robin route route-to rtable rule ruleset-optimization scrub scrub-anchor set set-tos skip
   sloppy source-hash source-track state state-defaults state-policy static-port sticky-address synproxy table tag tagged
   tbrsize timeout to tos ttl upperlimit urpf-failed user`.split(/\s+/),
);

export class Cursor {
  readonly known: KnownNames;
  /** Of the statement's first word. */
  readonly line: number;
  readonly #statement: Statement;
  readonly #file: string;
  #at = 0;

  constructor(statement: Statement, file: string, known: KnownNames) {
    this.#statement = statement;
    this.#file = file;
    this.known = known;
    this.line = statement.tokens[0]?.line ?? statement.line;
  }

  /**
   * @param reason what is wrong with the last word; nothing: the next is one that can't follow it
   * @throws PfError always
   */
  fail(reason?: string, line?: number): never {
    const at = this.#statement.tokens[reason === undefined ? this.#at : this.#at - 1]?.line;
    throw new PfError(line ?? at ?? this.#statement.line, reason ?? SYNTAX, this.#file);
  }

  #peek(): Token | undefined {
    return this.#statement.tokens[this.#at];
  }

  get over(): boolean {
    return this.#peek() === undefined;
  }

  /** Takes the next token if it is this mark or keyword. */
  takes(text: string): boolean {
    const token = this.#peek();
    if (token?.text !== text || token.kind === 'quoted') return false;
    this.#at++;
    return true;
  }

  /** Takes two marks if both are next. */
  takesBoth(first: string, second: string): boolean {
    const [one, two] = this.#statement.tokens.slice(this.#at);
    if (one?.kind !== 'mark' || two?.kind !== 'mark' || one.text !== first || two.text !== second)
      return false;
    this.#at += 2;
    return true;
  }

  /** Is the next token this mark or keyword? It stays. */
  sees(text: string): boolean {
    const token = this.#peek();
    return token?.text === text && token.kind !== 'quoted';
  }

  /** Are these two words next? They stay. */
  seesBoth(first: string, second: string): boolean {
    const [one, two] = this.#statement.tokens.slice(this.#at);
    return one?.kind === 'word' && two?.kind === 'word' && one.text === first && two.text === second;
  }

  /** Takes one of these keywords. @returns undefined if none of them is next */
  takesOne<T extends string>(texts: readonly T[]): T | undefined {
    return texts.find((text) => this.takes(text));
  }

  wants(text: string): void {
    if (!this.takes(text)) this.fail();
  }

  /** A string: in quotes, or a word that is no keyword and no number. */
  string(): string {
    const token = this.#peek();
    const isName = token?.kind === 'word' && !KEYWORDS.has(token.text) && !/^-?\d+$/.test(token.text);
    if (token?.kind !== 'quoted' && !isName) this.fail();
    this.#at++;
    return token.text;
  }

  /** A string or a number, as text. */
  word(): string {
    return this.#number() ?? this.string();
  }

  /** A number, not negative. */
  number(): number {
    const text = this.#number();
    if (text === undefined || text.startsWith('-')) this.fail();
    return Number(text);
  }

  #number(): string | undefined {
    const token = this.#peek();
    if (token?.kind !== 'word' || !/^-?\d+$/.test(token.text)) return undefined;
    this.#at++;
    return token.text;
  }

  /** `item`, or `{ item, item … }`, the commas being optional. */
  oneOrMore<T>(item: () => T): T[] {
    if (!this.takes('{')) return [item()];
    const items = [item()];
    while (!this.takes('}')) {
      this.takes(',');
      items.push(item());
    }
    return items;
  }

  /** Whatever is left of the statement. */
  skip(): void {
    this.#at = this.#statement.tokens.length;
  }
}
