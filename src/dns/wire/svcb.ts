/** Service parameters of SVCB and HTTPS records, RFC 9460 §2.2: priority, target's name, and key, length, value for each. */
import { CLASS, TYPE } from './constants.ts';
import { cut, sizeOf, type Range } from './cut.ts';
import { FLAG, flagsOf, putU16, setFlags, u16 } from './header.ts';
import { skipName } from './names.ts';
import { layoutOf, type RecordAt } from './records.ts';

/** SvcParamKeys, RFC 9460 §14.3.2. */
const KEY = { MANDATORY: 0, ALPN: 1, NO_DEFAULT_ALPN: 2, ECH: 5 } as const;
const PARAM_FIXED = 4;

export type Stripped = 'ech' | 'h3';

/**
 * A copy of an answer whose SVCB and HTTPS records don't tell the keys for encrypted ClientHello (`ech`), or don't offer
 * HTTP/3 (`h3`: it and its drafts are taken out of `alpn`). Signatures of what is changed don't fit any more, so AD is
 * cleared; an answer in which there was nothing to strip is copied as it is.
 *
 * @returns undefined if the message, or one of these records, is malformed
 */
export function stripServiceParams(answer: Uint8Array, what: readonly Stripped[]): Uint8Array | undefined {
  const layout = layoutOf(answer);
  if (!layout) return undefined;
  const ranges: Range[] = [];
  const message = new Uint8Array(answer);
  for (const record of layout.records) {
    if ((record.type !== TYPE.SVCB && record.type !== TYPE.HTTPS) || record.class !== CLASS.IN) continue;
    const own = strip(message, record, what);
    if (!own) return undefined;
    ranges.push(...own);
    putU16(message, record.dataAt - 2, record.end - record.dataAt - sizeOf(own));
  }
  if (ranges.length === 0) return message;
  setFlags(message, flagsOf(message) & ~FLAG.AD);
  return cut(message, layout, ranges);
}

interface Param extends Range {
  readonly key: number;
  readonly valueAt: number;
}

/** What to cut out of one record's data. Lengths of values that shrink are set in the message. Undefined if malformed. */
function strip(message: Uint8Array, record: RecordAt, what: readonly Stripped[]): Range[] | undefined {
  const params = paramsOf(message, record);
  if (!params) return undefined;
  const dropped = new Set<number>(what.includes('ech') ? [KEY.ECH] : []);
  const ranges: Range[] = [];
  const alpn = what.includes('h3') ? params.find(({ key }) => key === KEY.ALPN) : undefined;
  if (alpn) {
    const protocols = protocolsOf(message, alpn);
    if (!protocols) return undefined;
    const http3 = protocols.filter((protocol) => isHttp3(message, protocol));
    if (http3.length < protocols.length) ranges.push(...shrink(message, alpn, http3));
    // Without alpn there must be no no-default-alpn (§7.1.1). Then a client tries what it would without the record.
    else dropped.add(KEY.ALPN).add(KEY.NO_DEFAULT_ALPN);
  }
  const mandatory = params.find(({ key }) => key === KEY.MANDATORY);
  if (mandatory) {
    const gone = keysOf(mandatory).filter(({ start }) => dropped.has(u16(message, start)));
    if (2 * gone.length < mandatory.end - mandatory.valueAt) ranges.push(...shrink(message, mandatory, gone));
    else dropped.add(KEY.MANDATORY);
  }
  ranges.push(...params.filter(({ key }) => dropped.has(key)));
  return ranges.sort((a, b) => a.start - b.start);
}

/** Undefined unless the keys ascend and fill the data (§2.2). */
function paramsOf(message: Uint8Array, { dataAt, end }: RecordAt): Param[] | undefined {
  if (dataAt + 2 >= end) return undefined;
  const params: Param[] = [];
  let at = skipName(message, dataAt + 2);
  if (at < 0) return undefined;
  let last = -1;
  while (at < end) {
    const valueAt = at + PARAM_FIXED;
    if (valueAt > end) return undefined;
    const key = u16(message, at);
    const param = { key, start: at, valueAt, end: valueAt + u16(message, at + 2) };
    if (key <= last || param.end > end) return undefined;
    params.push(param);
    last = key;
    at = param.end;
  }
  return at === end ? params : undefined;
}

/** The protocols' ids in an alpn value, each with its length byte. Undefined if malformed. */
function protocolsOf(message: Uint8Array, { valueAt, end }: Param): Range[] | undefined {
  const protocols: Range[] = [];
  for (let start = valueAt; start < end;) {
    const next = start + 1 + message[start]!;
    if (next > end) return undefined;
    protocols.push({ start, end: next });
    start = next;
  }
  return protocols;
}

/** `h3`, or a draft of it: `h3-29`. */
function isHttp3(message: Uint8Array, { start, end }: Range): boolean {
  return /^h3(?:-|$)/.test(String.fromCharCode(...message.subarray(start + 1, end)));
}

function keysOf({ valueAt, end }: Param): Range[] {
  const keys: Range[] = [];
  for (let start = valueAt; start + 2 <= end; start += 2) keys.push({ start, end: start + 2 });
  return keys;
}

/** Sets a value's length to what it is without these parts. */
function shrink(message: Uint8Array, { valueAt, end }: Param, parts: readonly Range[]): readonly Range[] {
  putU16(message, valueAt - 2, end - valueAt - sizeOf(parts));
  return parts;
}
