/** Whatever text the reader gets, it reads or refuses it; and what is printed of a ruleset is read as the same again. */
import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatAddress } from '../../../src/net/address.ts';
import { formatCidr } from '../../../src/net/cidr.ts';
import { address, addressOf, cidr } from '../../net/arbitrary.ts';
import { evaluate, inTable, tablesOf, type Packet } from './pf_evaluate.ts';
import { printFilter, printTranslation } from './pf_print.ts';
import { readRuleset } from './pf_reader.ts';
import { readEntry, readTableFile } from './pf_table.ts';
import { PfError } from './pf_tokens.ts';

const WORDS = [
  ...'pass block return in out quick on lo0 ! route-to ( ) inet inet6 proto tcp udp { } , from to any all <t> port'.split(
    ' ',
  ),
  ...'53 = >= >< 10.0.0.0 /8 ::1 user group 0 flags S/SA keep no state rdr nat -> table persist file'.split(
    ' ',
  ),
  ...'"x" " $x x set skip anchor rdr-anchor load # ; \\\n \n \n \t'.split(' '),
];
const nearlyRules = fc.array(fc.constantFrom(...WORDS), { maxLength: 40 }).map((words) => words.join(' '));

test('any text is read, or refused at a line that it has', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    nearlyRules,
    nearlyRules.map((text) => `${text}\n`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        readRuleset(text, { readFile: () => '' });
      } catch (error) {
        expect(error).toBeInstanceOf(PfError);
        const { line } = error as PfError;
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(text.split('\n').length);
      }
    }),
    { numRuns: 3_000 },
  );
});

const port = fc.integer({ min: 1, max: 65_535 });
const side = fc.oneof(
  fc.constant('any'),
  cidr.map(masked),
  fc.constant('<t>'),
  cidr.map((one) => `! ${masked(one)}`),
);
const ports = fc.oneof(
  fc.constant(''),
  port.map((one) => ` port ${one}`),
  fc.tuple(port, port).map(([a, b]) => ` port { ${a} >= ${b} }`),
);
const selection = fc
  .record({
    interface: fc.constantFrom('', 'on lo0 ', 'on ! lo0 '),
    protocol: fc.constantFrom('proto tcp', 'proto udp', 'proto { tcp udp }'),
    from: side,
    to: side,
    ports,
  })
  .map((one) => `${one.interface}${one.protocol} from ${one.from} to ${one.to}${one.ports}`);
const filterRule = fc
  .record({
    action: fc.constantFrom('pass', 'block drop', 'block return'),
    direction: fc.constantFrom('', 'in ', 'out '),
    quick: fc.constantFrom('', 'quick '),
    selection,
    owner: fc.constantFrom('', ' user >= 0', ' group 7', ' group != 7', ' user { 1 5 >< 9 }'),
  })
  .map((one) => `${one.action} ${one.direction}${one.quick}${one.selection}${one.owner}`);
const ruleset = fc
  .array(filterRule, { maxLength: 6 })
  .map((rules) => rules.map((rule) => `${rule}\n`).join(''));

const packet: fc.Arbitrary<Packet> = fc.constantFrom<4 | 6>(4, 6).chain((family) =>
  fc.record({
    protocol: fc.constantFrom<'tcp' | 'udp'>('tcp', 'udp'),
    source: fc.record({ address: addressOf(family), port }),
    destination: fc.record({ address: addressOf(family), port }),
    interface: fc.constantFrom('lo0', 'en0'),
    user: fc.constantFrom(0, 1, 6, 501),
    group: fc.constantFrom(7, 20),
  }),
);

test('what is printed of rules means the same as the rules', () => {
  const table = 'table <t> { 10.0.0.0/8 ::/1 }\n';
  fc.assert(
    fc.property(ruleset, fc.array(packet, { minLength: 1, maxLength: 20 }), (text, packets) => {
      let first;
      try {
        first = readRuleset(table + text);
      } catch (error) {
        // Two families at once.
        expect((error as PfError).reason).toBe('rule expands to no valid combination');
        return;
      }
      const printed = printTranslation(first) + printFilter(first);
      const again = readRuleset(printed, { tables: ['t'] });
      expect(printFilter(again)).toBe(printFilter(first));
      const tables = tablesOf(first);
      for (const one of packets) expect(evaluate(again, tables, one)).toEqual(evaluate(first, tables, one));
    }),
    { numRuns: 500 },
  );
});

test('an address is in a table as the longest entry with it says', () => {
  const entry = fc.record({ negated: fc.boolean(), cidr: cidr.map((one) => readEntry(masked(one))!.cidr) });
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ cidr }) => formatCidr(cidr) }),
      address,
      (entries, one) => {
        const bits = bitsOf(one.bytes);
        const [longest] = entries
          .filter(({ cidr }) => cidr.address.family === one.family)
          .filter(
            ({ cidr }) => bitsOf(cidr.address.bytes).slice(0, cidr.prefix) === bits.slice(0, cidr.prefix),
          )
          .toSorted((a, b) => b.cidr.prefix - a.cidr.prefix);
        expect(inTable(entries, one)).toBe(longest !== undefined && !longest.negated);
      },
    ),
  );
});

test('a file of a table is all of its entries, or nothing', () => {
  const texts = fc.array(
    fc.oneof(cidr.map(masked), address.map(formatAddress), fc.constantFrom('# a', '', '! ', 'x', '1.2.3')),
  );
  fc.assert(
    fc.property(texts, (lines) => {
      const read = readTableFile(`${lines.join('\n')}\n`);
      const wanted = lines.filter((line) => line !== '' && line !== '# a');
      if (wanted.some((line) => ['! ', 'x', '1.2.3'].includes(line))) expect(read).toBeUndefined();
      else expect(read).toHaveLength(wanted.length);
    }),
  );
});

/** Without host bits, as pf wants it in tables. */
function masked({
  address,
  prefix,
}: {
  readonly address: { readonly family: 4 | 6; readonly bytes: Uint8Array };
  readonly prefix: number;
}): string {
  const bytes = address.bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))));
  return formatCidr({ address: { family: address.family, bytes }, prefix });
}

function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
}
