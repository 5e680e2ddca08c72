/** Queries and answers for tests of exchanges, made by a codec that isn't ours. */
import { decode, encode, type Answer, type Packet } from 'dns-packet';
import type { Question } from '../../../src/dns/question.ts';
import { readQuery } from '../../../src/dns/wire/query.ts';

export interface Asked {
  readonly query: Uint8Array;
  readonly question: Question;
}

/** RD, as a client's. */
const RECURSION_DESIRED = 0x0100;

export function ask(name: string, { id = 0x1234 } = {}): Asked {
  const query = new Uint8Array(
    encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ name, type: 'A' }] }),
  );
  const { question } = readQuery(query);
  if (!question) throw new Error(`${name} is no question`);
  return { query, question };
}

/** The answer to a query: these addresses, or other flags. */
export function answer(
  query: Uint8Array,
  addresses: readonly string[],
  { id, flags = 0 }: { readonly id?: number; readonly flags?: number } = {},
): Uint8Array {
  const asked = decode(Buffer.from(query));
  const name = asked.questions![0]!.name;
  const answers = addresses.map((data): Answer => ({ type: 'A', name, ttl: 60, data }));
  const packet: Packet = {
    type: 'response',
    id: id ?? asked.id!,
    flags,
    questions: asked.questions!,
    answers,
  };
  return new Uint8Array(encode(packet));
}

/** Its id, and the data of its answer records. */
export function told(message: Uint8Array): { readonly id: number; readonly data: unknown[] } {
  const { id, answers } = decode(Buffer.from(message));
  return { id: id!, data: answers!.map((record) => ('data' in record ? record.data : undefined)) };
}

export const TRUNCATED = 0x0200;
export const SERVFAIL = 2;

/** What `promise` fails with: the error's stable word, or the whole of what has no word. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { instead: await promise };
  } catch (error) {
    return error instanceof Error && 'status' in error ? error.status : error;
  }
}

/** No end before the test's own. */
export const NEVER = new AbortController().signal;
