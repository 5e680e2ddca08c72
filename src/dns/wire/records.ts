/** Resource records in place, RFC 1035 §4.1.3: owner's name, type, class, TTL, length of the data, data. */
import { COUNT, HEADER_SIZE, u16 } from './header.ts';
import { skipName } from './names.ts';

export type Section = 'answer' | 'authority' | 'additional';
const SECTIONS: readonly Section[] = ['answer', 'authority', 'additional'];

/** Where a record stands in its message: offsets. */
export interface RecordAt {
  readonly section: Section;
  /** Of its owner's name. */
  readonly at: number;
  readonly type: number;
  readonly class: number;
  readonly ttlAt: number;
  readonly dataAt: number;
  /** Behind its data. */
  readonly end: number;
}

export interface Layout {
  /** Where the question section ends. */
  readonly questionEnd: number;
  readonly records: readonly RecordAt[];
}

/** QTYPE and QCLASS. */
export const QUESTION_FIXED = 4;
/** Type, class, TTL, length of the data. */
export const RECORD_FIXED = 10;

/**
 * Where all records of a message stand. Of their data nothing is read.
 * @returns undefined if the message is malformed: cut short, or with a malformed name. Bytes behind the last record are
 *   no fault.
 */
export function layoutOf(message: Uint8Array): Layout | undefined {
  const questionEnd = questionEndOf(message);
  if (questionEnd < 0) return undefined;
  const records: RecordAt[] = [];
  let at = questionEnd;
  for (const section of SECTIONS) {
    for (let left = u16(message, COUNT[section]); left > 0; left--) {
      const fixed = skipName(message, at);
      const dataAt = fixed + RECORD_FIXED;
      if (fixed < 0 || dataAt > message.length) return undefined;
      const end = dataAt + u16(message, dataAt - 2);
      if (end > message.length) return undefined;
      records.push({
        section,
        at,
        type: u16(message, fixed),
        class: u16(message, fixed + 2),
        ttlAt: fixed + 4,
        dataAt,
        end,
      });
      at = end;
    }
  }
  return { questionEnd, records };
}

/** Where the question section ends; -1 if it is malformed. */
export function questionEndOf(message: Uint8Array): number {
  if (message.length < HEADER_SIZE) return -1;
  let at = HEADER_SIZE;
  for (let left = u16(message, COUNT.question); left > 0; left--) {
    const fixed = skipName(message, at);
    if (fixed < 0 || fixed + QUESTION_FIXED > message.length) return -1;
    at = fixed + QUESTION_FIXED;
  }
  return at;
}
