/**
 * Stands in for ipset, the programs of iptables, and the guardian: they change sets, chains and rules in memory, and
 * refuse what the real ones refuse. Any call can be made to fail.
 */
import { RunError, type Child, type Finished, type Runner } from '../../../src/base/runner.ts';
import { FakeGuardians } from '../guardian/fake_guardians.ts';

interface Table {
  /** Names of user chains, each with its rules. */
  readonly chains: Map<string, string[]>;
  readonly output: string[];
}

/** What becomes of a call. `lost` has its effect but fails all the same, as a program that was killed late. */
export type Fault = 'failed' | 'lost' | 'timed out' | 'missing';

export interface Call {
  readonly number: number;
  readonly program: string;
}

export class FakeKernel implements Runner {
  readonly sets = new Map<string, string[]>();
  readonly tables: Readonly<Record<4 | 6, Table>> = {
    4: { chains: new Map([['OTHERS', ['-j RETURN']]]), output: ['-p udp -j OTHERS'] },
    6: { chains: new Map(), output: [] },
  };
  readonly guardians = new FakeGuardians();
  /** Asked for every call, in the order in which they come. */
  fault: (call: Call) => Fault | undefined = () => undefined;
  calls = 0;

  /** What of ours, and of others, is there. */
  holds(): unknown {
    return {
      sets: Object.fromEntries(this.sets),
      v4: { output: this.tables[4].output, chains: Object.fromEntries(this.tables[4].chains) },
      v6: { output: this.tables[6].output, chains: Object.fromEntries(this.tables[6].chains) },
    };
  }

  async run(argv: readonly string[], { stdin = '' }: { readonly stdin?: string } = {}): Promise<Finished> {
    const program = argv[0]!;
    const fault = this.fault({ number: ++this.calls, program });
    // Real programs take a while: what is started side by side is under way side by side.
    await Promise.resolve();
    if (fault === 'missing') throw new RunError('ERR_RUN_MISSING', `the program ${program} is not installed`);
    if (fault === 'failed') return { code: 1, stdout: '', stderr: 'no reason\n' };
    try {
      const stdout = this.#perform(argv, stdin);
      if (fault === 'timed out') throw new RunError('ERR_RUN_TIMEOUT', `${program} did not end`);
      return fault === 'lost' ? { code: 137, stdout, stderr: '' } : { code: 0, stdout, stderr: '' };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { code: 1, stdout: '', stderr: `${program}: ${error.message}\n` };
    }
  }

  start(): Child {
    return this.guardians.start();
  }

  #perform(argv: readonly string[], stdin: string): string {
    switch (argv.slice(0, 2).join(' ')) {
      case 'iptables-save':
        return this.#save(4);
      case 'ip6tables-save':
        return this.#save(6);
      case 'iptables-restore --noflush':
        return this.#restore(4, stdin);
      case 'ip6tables-restore --noflush':
        return this.#restore(6, stdin);
      case 'ipset list':
        return [...this.sets.keys()].map((name) => `${name}\n`).join('');
      case 'ipset restore':
        // Unlike the rules', its lines take effect one by one.
        for (const line of lines(stdin)) this.#ipset(line.split(' '));
        return '';
      case 'ipset destroy':
        this.#ipset(argv.slice(1));
        return '';
      default:
        throw new Error(`not known to the fake: ${argv.join(' ')}`);
    }
  }

  #ipset([verb, name, other]: readonly string[]): void {
    const set = this.sets.get(name!);
    if (verb === 'create') {
      if (set) throw new Refused('set with the same name already exists');
      this.sets.set(name!, []);
      return;
    }
    if (!set) throw new Refused('The set with the given name does not exist');
    if (verb === 'add') set.push(other!);
    if (verb === 'swap') {
      this.sets.set(name!, this.sets.get(other!)!);
      this.sets.set(other!, set);
    }
    if (verb === 'destroy') {
      const rules = Object.values(this.tables).flatMap(({ chains }) => [...chains.values()].flat());
      if (rules.some((rule) => rule.includes(`--match-set ${name} `)))
        throw new Refused('Set cannot be destroyed: it is in use by a kernel component');
      this.sets.delete(name!);
    }
  }

  #save(family: 4 | 6): string {
    const { chains, output } = this.tables[family];
    return [
      '*nat',
      ':OUTPUT ACCEPT [0:0]',
      ...[...chains.keys()].map((chain) => `:${chain} - [0:0]`),
      ...output.map((rule) => `-A OUTPUT ${rule}`),
      ...[...chains].flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
      'COMMIT\n',
    ].join('\n');
  }

  /** All of it, or nothing. */
  #restore(family: 4 | 6, text: string): string {
    const { chains, output } = structuredClone(this.tables[family]);
    for (const line of lines(text)) {
      const [, verb, name, rule] = /^(\*|:|-\w|COMMIT) ?(\S*) ?(.*)$/.exec(line)!;
      const rules = name === 'OUTPUT' ? output : chains.get(name!);
      if (verb === ':') chains.set(name!, []);
      else if (verb === '-I') rules!.unshift(rule!);
      else if (verb === '-F') rules!.length = 0;
      else if (verb === '-X') chains.delete(name!);
      else if (verb === '-A') {
        const [, set] = /--match-set (\S+)/.exec(rule!) ?? [];
        if (set !== undefined && !this.sets.has(set)) throw new Refused(`Set ${set} doesn't exist.`);
        rules!.push(rule!);
      } else if (verb === '-D') {
        const at = rules!.indexOf(rule!);
        if (at < 0) throw new Refused('Bad rule (does a matching rule exist in that chain?).');
        rules!.splice(at, 1);
      }
    }
    const dangling = output.find((rule) => {
      const [, target] = / -j (\S+)$/.exec(rule)!;
      return !chains.has(target!);
    });
    if (dangling) throw new Refused(`chain in use: ${dangling}`);
    this.tables[family].output.splice(0, Number.POSITIVE_INFINITY, ...output);
    this.tables[family].chains.clear();
    for (const [name, rules] of chains) this.tables[family].chains.set(name, rules);
    return '';
  }
}

class Refused extends Error {}

function lines(text: string): string[] {
  return text.split('\n').filter(Boolean);
}
