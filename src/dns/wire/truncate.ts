/** Answers too long for whoever asked. */
import { COUNT, FLAG, flagsOf, HEADER_SIZE, putU16, setFlags } from './header.ts';
import { findOpt, isOpt, OPT_SIZE } from './opt.ts';
import { layoutOf, type Layout, type RecordAt } from './records.ts';

/**
 * A message that fits. Whole records are cut off the end; those that stay are where they were, so that no pointer is wrong.
 * The OPT record stays, without its options if they are too long. TC is set if answer or authority records were cut
 * (RFC 2181 §9: without additional ones an answer is still whole).
 *
 * @param limit in bytes, at least 512; over TCP 65,535
 * @returns the answer itself if it fits; a header with TC if it can't be read
 */
export function fitted(answer: Uint8Array, limit: number): Uint8Array {
  if (answer.length <= limit) return answer;
  const layout = layoutOf(answer);
  if (!layout || layout.questionEnd + OPT_SIZE > limit) return headerOnly(answer);
  const { records } = layout;
  const opt = findOpt(layout);
  let kept = records.length;
  while (kept > 0 && sizeOf(layout, kept, opt) > limit) kept--;
  const end = endOf(layout, kept);
  const tail = opt && opt.at >= end ? answer.slice(opt.at, opt.end) : new Uint8Array(0);
  const fittedTail = end + tail.length > limit ? withoutOptions(tail) : tail;
  const message = new Uint8Array(end + fittedTail.length);
  message.set(answer.subarray(0, end));
  message.set(fittedTail, end);
  const stay = [...records.slice(0, kept), ...(tail.length > 0 ? records.filter(isOpt).slice(0, 1) : [])];
  for (const section of ['answer', 'authority', 'additional'] as const)
    putU16(message, COUNT[section], stay.filter((record) => record.section === section).length);
  if (records.slice(kept).some(({ section }) => section !== 'additional'))
    setFlags(message, flagsOf(message) | FLAG.TC);
  return message;
}

/** The size with the first `kept` records, and OPT behind them if it is none of these. */
function sizeOf(layout: Layout, kept: number, opt: RecordAt | undefined): number {
  const end = endOf(layout, kept);
  return opt && opt.at >= end ? end + opt.end - opt.at : end;
}

function endOf({ questionEnd, records }: Layout, kept: number): number {
  return kept === 0 ? questionEnd : records[kept - 1]!.end;
}

function withoutOptions(opt: Uint8Array): Uint8Array {
  const bare = opt.slice(0, OPT_SIZE);
  putU16(bare, OPT_SIZE - 2, 0);
  return bare;
}

function headerOnly(answer: Uint8Array): Uint8Array {
  const header = answer.slice(0, HEADER_SIZE).fill(0, COUNT.question);
  setFlags(header, flagsOf(header) | FLAG.TC);
  return header;
}
