/** Of what family a rule is: said, or of the addresses in it (decide_address_family() and expand_rule() of parse.y). */
import type { Cidr } from '../../../src/net/cidr.ts';
import type { Cursor } from './pf_cursor.ts';
import type { Host, Side } from './pf_ruleset.ts';

export function familyOf(cidr: Cidr): 4 | 6 {
  return cidr.address.family;
}

/**
 * @returns the family that the rule is about; undefined: both
 * @throws PfError if no packet could be of it
 */
export function checkFamilies(
  cursor: Cursor,
  said: 4 | 6 | undefined,
  from: Side,
  to: Side,
): 4 | 6 | undefined {
  const [source, destination] = [familiesOf(from.hosts), familiesOf(to.hosts)];
  const possible = ([4, 6] as const).filter(
    (family) => (said ?? family) === family && source.has(family) && destination.has(family),
  );
  if (possible.length === 0) cursor.fail('rule expands to no valid combination', cursor.line);
  return possible.length === 1 ? possible[0] : undefined;
}

function familiesOf(hosts: readonly Host[]): ReadonlySet<4 | 6> {
  if (hosts.length === 0 || hosts.some(({ what }) => what !== 'block')) return new Set([4, 6]);
  return new Set(hosts.flatMap((host) => (host.what === 'block' ? [familyOf(host.cidr)] : [])));
}
