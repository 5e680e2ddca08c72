/** `pfctl -t TABLE -T COMMAND`: pfctl_table() of pfctl_table.c. */
import { formatCidr } from '../../../src/net/cidr.ts';
import type { MacState } from './mac_state.ts';
import { checkRoom, distinct, placeOf } from './pf_kernel.ts';
import { inTable } from './pf_evaluate.ts';
import type { TableEntry } from './pf_ruleset.ts';
import { readEntry, readTableFile, TABLE_NAME_SIZE } from './pf_table.ts';
import type { Call, Result } from './pfctl.ts';

/** @param rest addresses of the command line */
export function table(
  state: MacState,
  call: Call,
  path: string,
  flags: ReadonlyMap<string, string>,
  rest: readonly string[],
): Result {
  const name = flags.get('t') ?? '';
  const command = flags.get('T')!;
  if (name === '' || name.length >= TABLE_NAME_SIZE) return failed(`pfctl: invalid table name '${name}'\n`);
  const there = placeOf(state, path)?.tables[name];
  if (command === 'show' || command === 'test' || command === 'delete' || command === 'flush') {
    if (!there) return failed('pfctl: Table does not exist.\n');
  }
  const given = addresses(call, flags.get('f'), rest);
  if (typeof given === 'string') return failed(given);
  const texts = distinct(given);
  const old = there ?? [];
  switch (command) {
    case 'show':
      return { code: 0, stdout: old.map((text) => `   ${shownEntry(text)}\n`).join(''), stderr: '' };
    case 'test': {
      const entries = old.map((text) => readEntry(text)!);
      const matching = given.filter(({ cidr }) => inTable(entries, cidr.address)).length;
      const stderr = `${matching}/${given.length} addresses match.\n`;
      return { code: matching === given.length ? 0 : 2, stdout: '', stderr };
    }
    case 'add':
    case 'delete':
    case 'flush':
    case 'replace': {
      const next =
        command === 'replace'
          ? texts
          : command === 'add'
            ? [...new Set([...old, ...texts])].toSorted()
            : command === 'delete'
              ? old.filter((text) => !texts.includes(text))
              : [];
      return { code: 0, stdout: '', stderr: settle(state, path, name, old, next, there === undefined) };
    }
    default:
      throw new Error(`not known to the fake: pfctl -T ${command}`);
  }
}

function settle(
  state: MacState,
  path: string,
  name: string,
  old: readonly string[],
  next: string[],
  isNew: boolean,
): string {
  const copy = structuredClone(state.pf);
  const rules =
    placeOf({ ...state, pf: copy }, path) ?? (copy.anchors[path] = { text: '', tables: {}, persistent: [] });
  rules.tables[name] = next;
  if (isNew) rules.persistent.push(name);
  checkRoom({ ...state, pf: copy });
  state.pf = copy;
  const before = new Set(old);
  const after = new Set(next);
  const added = next.filter((text) => !before.has(text)).length;
  const deleted = old.filter((text) => !after.has(text)).length;
  const changes = [added > 0 && `${added} addresses added`, deleted > 0 && `${deleted} addresses deleted`];
  const said = changes.filter(Boolean).join(', ') || 'no changes';
  return `${isNew ? '1 table created.\n' : ''}${said}.\n`;
}

/** @returns what pfctl says if they can't be read */
function addresses(call: Call, file: string | undefined, words: readonly string[]): TableEntry[] | string {
  const found: TableEntry[] = [];
  for (const word of words) {
    const entry = readEntry(word);
    if (!entry) return `pfctl: cannot decode ${word}\n`;
    found.push(entry);
  }
  if (file === undefined) return found;
  let text: string;
  try {
    text = file === '-' ? call.stdin : call.readFile(file);
  } catch {
    return `pfctl: cannot load ${file}: No such file or directory\n`;
  }
  const read = readTableFile(text);
  return read ? [...found, ...read] : `pfctl: cannot load ${file}: Invalid argument\n`;
}

function failed(stderr: string): Result {
  // -1 of pfctl_command_tables(), as an exit code.
  return { code: 255, stdout: '', stderr };
}

/** A host goes without its prefix; the mark stands where others have a space. */
function shownEntry(text: string): string {
  const { negated, cidr } = readEntry(text)!;
  const isHost = cidr.prefix === (cidr.address.family === 4 ? 32 : 128);
  const bare = isHost ? formatCidr(cidr).replace(/\/\d+$/, '') : formatCidr(cidr);
  return negated ? `!${bare}` : bare;
}
