/** Queries and answers made by dns-packet, which shares no code with the product. */
import * as packet from 'dns-packet';
import type { Question } from '../../../src/dns/question.ts';
import { readQuery } from '../../../src/dns/wire/query.ts';

export type Kind = 'positive' | 'nodata' | 'nxdomain' | 'nxdomain without SOA' | 'failure';
export const KINDS: readonly Kind[] = ['positive', 'nodata', 'nxdomain', 'nxdomain without SOA', 'failure'];

export interface Asked {
  readonly name: string;
  readonly type?: 'A' | 'AAAA' | 'TXT';
  readonly id?: number;
  readonly dnssecOk?: boolean;
  readonly recursionDesired?: boolean;
  readonly checkingDisabled?: boolean;
}

export function ask({
  name,
  type = 'A',
  id = 0,
  dnssecOk = false,
  recursionDesired = true,
  checkingDisabled = false,
}: Asked): { readonly query: Uint8Array; readonly question: Question } {
  const query = packet.encode({
    type: 'query',
    id,
    flags: flags({ recursionDesired, checkingDisabled }),
    questions: [{ type, name, class: 'IN' }],
    additionals: dnssecOk ? [opt()] : [],
  });
  return { query, question: readQuery(query).question! };
}

export interface Told extends Asked {
  readonly kind: Kind;
  /** Of each record in the answer section, or of the CNAME before a "no". */
  readonly ttls?: readonly number[];
  readonly soa?: { readonly ttl: number; readonly minimum: number };
  /** Makes messages differ. */
  readonly mark?: number;
}

const RCODES: Readonly<Record<Kind, number>> = {
  positive: 0,
  nodata: 0,
  nxdomain: 3,
  'nxdomain without SOA': 3,
  failure: 2,
};

export function answer({
  name,
  type = 'A',
  id = 0,
  kind,
  ttls = [],
  soa = { ttl: 300, minimum: 300 },
  mark = 0,
  dnssecOk = false,
  recursionDesired = true,
  checkingDisabled = false,
}: Told): Uint8Array {
  const data = (i: number): packet.Answer => {
    const common = { name, class: 'IN' as const, ttl: ttls[i]! };
    if (kind !== 'positive') return { ...common, type: 'CNAME', data: `to${mark}.example` };
    if (type === 'A') return { ...common, type, data: `192.0.${mark & 255}.${i}` };
    if (type === 'AAAA') return { ...common, type, data: `2001:db8::${(mark & 255).toString(16)}:${i}` };
    return { ...common, type, data: [Buffer.from(`mark ${mark} ${i}`)] };
  };
  const { ttl, minimum } = soa;
  const authority: packet.Answer = {
    type: 'SOA',
    name: 'example',
    ttl,
    data: {
      mname: 'ns.example',
      rname: 'me.example',
      serial: mark,
      refresh: 1,
      retry: 1,
      expire: 1,
      minimum,
    },
  };
  return packet.encode({
    type: 'response',
    id,
    flags: flags({ recursionDesired, checkingDisabled }) | packet.RECURSION_AVAILABLE | RCODES[kind],
    questions: [{ type, name, class: 'IN' }],
    answers: kind === 'failure' ? [] : ttls.map((_, i) => data(i)),
    authorities: kind === 'nodata' || kind === 'nxdomain' ? [authority] : [],
    additionals: dnssecOk ? [opt()] : [],
  });
}

function flags({
  recursionDesired,
  checkingDisabled,
}: {
  recursionDesired: boolean;
  checkingDisabled: boolean;
}): number {
  return (
    (recursionDesired ? packet.RECURSION_DESIRED : 0) | (checkingDisabled ? packet.CHECKING_DISABLED : 0)
  );
}

function opt(): packet.OptAnswer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: packet.DNSSEC_OK,
    flag_do: true,
    options: [],
  };
}

/** All TTLs of a message, in their order; OPT has none. */
export function ttlsOf(message: Uint8Array): number[] {
  const { answers = [], authorities = [], additionals = [] } = packet.decode(Buffer.from(message));
  return [...answers, ...authorities, ...additionals].flatMap((record) =>
    'ttl' in record ? [record.ttl ?? 0] : [],
  );
}

/** A message without what depends on who asks and when: id, RD, TTLs, and the spelling of the name. */
export function essence(message: Uint8Array): unknown {
  const {
    questions = [],
    answers = [],
    authorities = [],
    additionals = [],
    flags = 0,
  } = packet.decode(Buffer.from(message));
  const plain = (records: readonly packet.Answer[]) =>
    records.map((record) => ({ ...record, name: record.name.toLowerCase(), ttl: undefined }));
  return {
    flags: flags & ~packet.RECURSION_DESIRED,
    questions: questions.map((question) => ({ ...question, name: question.name.toLowerCase() })),
    answers: plain(answers),
    authorities: plain(authorities),
    additionals: plain(additionals),
  };
}
