/** `rdr …`, `nat …`, `binat …`: natrule and binatrule of parse.y, and what rdr_consistent() there refuses. */
import type { Cursor } from './pf_cursor.ts';
import { checkFamilies, familyOf } from './pf_family.ts';
import { readLog } from './pf_filter_rule.ts';
import {
  portNumber,
  readFamily,
  readFromTo,
  readHost,
  readInterfaces,
  readProtocols,
  TCP,
  UDP,
} from './pf_parts.ts';
import type { TranslationRule } from './pf_ruleset.ts';

export const TRANSLATIONS = ['rdr', 'nat', 'binat'] as const;

export function readTranslationRule(cursor: Cursor): TranslationRule {
  const no = cursor.takes('no');
  const kind = cursor.takesOne(TRANSLATIONS) ?? cursor.fail();
  const pass = cursor.takes('pass');
  readLog(cursor);
  if (no && pass) cursor.fail('pass not valid with no');
  const interfaces = readInterfaces(cursor);
  const said = readFamily(cursor);
  const protocols = readProtocols(cursor);
  const { from, to } = readFromTo(cursor);
  if (cursor.takes('tag')) cursor.string();
  if (cursor.takes('tagged')) cursor.string();
  // No `user` and no `group` here: natrule of the grammar has no place for them.
  const found = readTarget(cursor);
  if (!cursor.over) cursor.fail();
  const line = cursor.line;

  if (no && found) cursor.fail("translation rule with 'no' does not need '->'", line);
  if (!no && !found) cursor.fail("translation rule requires '-> address'", line);
  const family = checkFamilies(cursor, said, from, to);
  if (found && family && familyOf(found.cidr) !== family)
    cursor.fail('no translation address with matching address family found.', line);
  const isTcpOrUdp = protocols.length > 0 && protocols.every((one) => one === TCP || one === UDP);
  if (kind === 'rdr' && !isTcpOrUdp) {
    if (from.ports.length > 0) cursor.fail('src port only applies to tcp/udp', line);
    if (to.ports.length > 0) cursor.fail('dst port only applies to tcp/udp', line);
    if (found?.port) cursor.fail('rpool port only applies to tcp/udp', line);
  }
  if (kind === 'rdr' && to.ports.some(({ operator }) => operator !== '=' && operator !== ':'))
    cursor.fail('invalid port operator for rdr destination port', line);
  return {
    kind,
    line,
    no,
    pass,
    interfaces,
    family: family ?? (found && familyOf(found.cidr)),
    protocols,
    from,
    to,
    target: found && { address: found.cidr.address, port: found.port },
  };
}

/** `-> ADDRESS [port PORT]`. A pool of several addresses is none of ours, and not read. */
function readTarget(cursor: Cursor) {
  if (!cursor.takes('->')) return undefined;
  const host = readHost(cursor);
  if (host.what !== 'block' || host.negated) return cursor.fail();
  const port = cursor.takes('port') ? portNumber(cursor, cursor.word()) : 0;
  return { cidr: host.cidr, port };
}
