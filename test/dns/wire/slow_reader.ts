/** A reader of messages that is plain to see through and slow: what the quick one in src/dns/wire is held against. */

export interface SlowRecord {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly owner: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** The data's bytes as hex; where a name may be compressed, the name as text instead, in <>. */
  readonly data: string;
}

export interface SlowMessage {
  readonly id: number;
  readonly flags: number;
  readonly questions: readonly { readonly name: string; readonly type: number; readonly class: number }[];
  readonly records: readonly SlowRecord[];
}

export class Malformed extends Error {}

/** What stands in the data of each type that may hold compressed names: a number of bytes, a string, or a name. */
const DATA: Readonly<Record<number, readonly (number | 'string' | 'name')[]>> = {
  2: ['name'],
  3: ['name'],
  4: ['name'],
  5: ['name'],
  6: ['name', 'name', 20],
  7: ['name'],
  8: ['name'],
  9: ['name'],
  12: ['name'],
  14: ['name', 'name'],
  15: [2, 'name'],
  17: ['name', 'name'],
  18: [2, 'name'],
  21: [2, 'name'],
  26: [2, 'name', 'name'],
  33: [6, 'name'],
  35: [4, 'string', 'string', 'string', 'name'],
  36: [2, 'name'],
  39: ['name'],
};

/** Everything in a message. @throws Malformed */
export function slowRead(message: Uint8Array): SlowMessage {
  const bytes = [...message];
  const take = (at: number, count: number): number[] => {
    if (at + count > bytes.length) throw new Malformed('cut short');
    return bytes.slice(at, at + count);
  };
  const number = (at: number, count: number) => take(at, count).reduce((sum, byte) => sum * 256 + byte, 0);
  const counts = [4, 6, 8, 10].map((at) => number(at, 2));
  let at = 12;
  const questions = [];
  for (let i = 0; i < counts[0]!; i++) {
    const { labels, end } = slowName(message, at);
    questions.push({ name: slowText(labels), type: number(end, 2), class: number(end + 2, 2) });
    at = end + 4;
  }
  const records: SlowRecord[] = [];
  for (const [index, section] of (['answer', 'authority', 'additional'] as const).entries()) {
    for (let i = 0; i < counts[index + 1]!; i++) {
      const { labels, end } = slowName(message, at);
      const type = number(end, 2);
      const length = number(end + 8, 2);
      const dataAt = end + 10;
      take(dataAt, length);
      records.push({
        section,
        owner: slowText(labels),
        type,
        class: number(end + 2, 2),
        ttl: number(end + 4, 4),
        data: slowData(message, type, dataAt, dataAt + length),
      });
      at = dataAt + length;
    }
  }
  return { id: number(0, 2), flags: number(2, 2), questions, records };
}

/** The same; undefined for a malformed message. */
export function slowReadIfWhole(message: Uint8Array): SlowMessage | undefined {
  try {
    return slowRead(message);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function slowData(message: Uint8Array, type: number, at: number, end: number): string {
  const hex = (from: number, to: number) => {
    if (to > end) throw new Malformed('data cut short');
    return Buffer.from(message.slice(from, to)).toString('hex');
  };
  let text = '';
  for (const part of at === end ? [] : (DATA[type] ?? [])) {
    const size = part === 'name' ? 0 : part === 'string' ? 1 + message[at]! : part;
    text += hex(at, at + size);
    at += size;
    if (part !== 'name') continue;
    const name = slowName(message, at);
    text += `<${slowText(name.labels)}>`;
    at = name.end;
  }
  if (at > end) throw new Malformed('a name that ends behind its data');
  return text + hex(at, end);
}

export interface SlowName {
  readonly labels: readonly (readonly number[])[];
  /** Where it ends in the message. */
  readonly end: number;
}

/** @throws Malformed */
export function slowName(message: Uint8Array, at: number, pointers = 0): SlowName {
  const labels: number[][] = [];
  const begin = at;
  for (;;) {
    if (at >= message.length) throw new Malformed('cut short');
    const length = message[at]!;
    if (length === 0) {
      at += 1;
      break;
    }
    if (length >= 192) {
      if (at + 1 >= message.length) throw new Malformed('half a pointer');
      const target = (length - 192) * 256 + message[at + 1]!;
      if (target < 12) throw new Malformed('a pointer into the header');
      if (target >= begin) throw new Malformed('a pointer that does not lead backwards');
      if (pointers === 127) throw new Malformed('pointers without end');
      labels.push(...slowName(message, target, pointers + 1).labels.map((label) => [...label]));
      at += 2;
      break;
    }
    if (length >= 64) throw new Malformed('a label type that is none');
    if (at + 1 + length > message.length) throw new Malformed('cut short');
    labels.push(Array.from(message.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  if (labels.reduce((sum, label) => sum + 1 + label.length, 1) > 255) throw new Malformed('over 255 bytes');
  return { labels, end: at };
}

/** As `Question.name` has it. */
export function slowText(labels: readonly (readonly number[])[]): string {
  return labels
    .map((label) =>
      label
        .map((byte) => {
          const character = String.fromCharCode(byte);
          return /[A-Za-z0-9_-]/.test(character)
            ? character.toLowerCase()
            : `\\${String(byte).padStart(3, '0')}`;
        })
        .join(''),
    )
    .join('.');
}
