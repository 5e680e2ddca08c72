/** The OPT record is a matter between two neighbours (RFC 6891 §6.2.1): what we send on has ours, never another's. */
import type { Edns } from '../question.ts';
import { OPTION } from './constants.ts';
import { cut } from './cut.ts';
import { COUNT, HEADER_SIZE, putU16, u16 } from './header.ts';
import { findOpt, optRecord, option, optionsOf, OUR_PAYLOAD, upperRcodeOf, OPT_SIZE } from './opt.ts';
import { layoutOf, questionEndOf, type Layout } from './records.ts';

export interface UpstreamEdns {
  /** What we take over UDP, in bytes. {@link OUR_PAYLOAD} if left out. */
  readonly payload?: number;
  readonly dnssecOk: boolean;
  /** The query is padded to a multiple of so many bytes (RFC 8467 §4.1 says 128, for TLS and HTTPS). Not if left out. */
  readonly padding?: number;
}

/**
 * A client's query as it goes to a resolver: header, question as it was asked, an OPT record of ours. The client's own
 * record is not sent on: its cookie is for us, its subnet and its unknown options are nobody's business.
 *
 * @param query one that `readQuery` has read without fault
 */
export function withEdns(
  query: Uint8Array,
  { payload = OUR_PAYLOAD, dnssecOk, padding }: UpstreamEdns,
): Uint8Array {
  const end = questionEndOf(query);
  const opt = optRecord({
    payload,
    dnssecOk,
    options: padding === undefined ? [] : [paddingFor(end + OPT_SIZE, padding)],
  });
  const message = new Uint8Array(end + opt.length);
  message.set(query.subarray(0, end));
  message.fill(0, COUNT.answer, HEADER_SIZE);
  putU16(message, COUNT.additional, 1);
  message.set(opt, end);
  return message;
}

/** RFC 7830 §3. The option's own code and length count too. */
function paddingFor(size: number, block: number): Uint8Array {
  const empty = option(OPTION.PADDING, new Uint8Array(0));
  const over = (size + empty.length) % block;
  return over === 0 ? empty : option(OPTION.PADDING, new Uint8Array(block - over));
}

/**
 * A copy of a resolver's answer without its OPT record, as a client without EDNS must get it.
 * @returns undefined if the message is malformed
 */
export function withoutEdns(answer: Uint8Array): Uint8Array | undefined {
  const layout = layoutOf(answer);
  return layout && withoutOpt(answer, layout);
}

function withoutOpt(answer: Uint8Array, layout: Layout): Uint8Array | undefined {
  const opt = findOpt(layout);
  if (!opt) return new Uint8Array(answer);
  // Nothing that stays can point to the last record.
  const isLast = opt === layout.records.at(-1);
  const message = isLast ? answer.slice(0, opt.at) : cut(answer, layout, [{ start: opt.at, end: opt.end }]);
  if (message) putU16(message, COUNT.additional, u16(message, COUNT.additional) - 1);
  return message;
}

/**
 * A copy of an answer with the OPT record that its asker must get: none without EDNS; else one of ours, with the RCODE's upper
 * bits and the Extended DNS Errors (RFC 8914 §3 lets a forwarder pass them on) of the resolver's, and nothing else of it.
 *
 * @param edns the asker's
 * @returns undefined if the message is malformed
 */
export function answerEdns(answer: Uint8Array, edns: Edns | undefined): Uint8Array | undefined {
  const layout = layoutOf(answer);
  const bare = layout && withoutOpt(answer, layout);
  if (!bare || !edns) return bare;
  const theirs = findOpt(layout);
  const opt = optRecord({
    payload: OUR_PAYLOAD,
    dnssecOk: edns.dnssecOk,
    upperRcode: theirs && upperRcodeOf(answer, theirs),
    options: theirs ? optionsOf(answer, theirs, OPTION.EDE) : [],
  });
  const message = new Uint8Array(bare.length + opt.length);
  message.set(bare);
  message.set(opt, bare.length);
  putU16(message, COUNT.additional, u16(message, COUNT.additional) + 1);
  return message;
}
