/** Records as a person reads them: the presentation form of RFC 1035 §5.1, as far as people look at it. */
import { formatAddress } from '../net/address.ts';
import { TYPE, typeName } from './wire/constants.ts';
import { u16 } from './wire/header.ts';
import { readName } from './wire/names.ts';
import { layoutOf, type RecordAt } from './wire/records.ts';
import { ttlAt } from './wire/ttl.ts';

export interface RecordText {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  readonly data: string;
}

/** Those of the answer section. undefined if the message is malformed. */
export function answerRecords(message: Uint8Array): RecordText[] | undefined {
  const records = layoutOf(message)?.records.filter(({ section }) => section === 'answer');
  return records?.map((record) => ({
    name: readName(message, record.at) || '.',
    ttl: ttlAt(message, record.ttlAt),
    type: typeName(record.type),
    data: dataOf(message, record),
  }));
}

function dataOf(message: Uint8Array, { type, dataAt, end }: RecordAt): string {
  const data = message.subarray(dataAt, end);
  const name = (at: number) => readName(message, at) || '.';
  switch (type) {
    case TYPE.A:
      if (data.length === 4) return formatAddress({ family: 4, bytes: data });
      break;
    case TYPE.AAAA:
      if (data.length === 16) return formatAddress({ family: 6, bytes: data });
      break;
    case TYPE.CNAME:
    case TYPE.NS:
    case TYPE.PTR:
    case TYPE.DNAME:
      return name(dataAt);
    case TYPE.MX:
      if (data.length > 2) return `${u16(message, dataAt)} ${name(dataAt + 2)}`;
      break;
    case TYPE.TXT:
      return texts(data).join(' ');
  }
  // RFC 3597 §5.
  return `\\# ${data.length} ${data.toHex()}`.trimEnd();
}

/** Each string is a byte of length and so many bytes. */
function texts(data: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < data.length; at += 1 + data[at]!) {
    const bytes = Array.from(data.subarray(at + 1, at + 1 + data[at]!), characterOf);
    found.push(`"${bytes.join('')}"`);
  }
  return found;
}

/** What is not printable ASCII as `\DDD`: what somebody put into a record must not drive a terminal. */
function characterOf(byte: number): string {
  if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
  const character = String.fromCharCode(byte);
  return character === '"' || character === '\\' ? `\\${character}` : character;
}
