/**
 * The way of a name, from top to bottom:
 *
 *   read ─▶ cache ─▶ policy ─▶ inquiry (in flight once ─▶ split ─▶ strip ─▶ store) ─▶ form ─▶ remember, log
 *
 * No other file knows the whole way. The policy comes before the cache in what it decides, but is asked after it: what
 * these very rules had asked for they don't answer themselves. Up to the inquiry there is no promise: a hit is answered
 * within the call.
 */
import type { Clock } from '../base/clock.ts';
import type { Address } from '../net/address.ts';
import type { NameMemory } from '../net/name_memory.ts';
import { formFor, formInPlace, type Asker } from './answer_form.ts';
import type { Cache, Hit } from './cache/cache.ts';
import { InFlightError } from './cache/in_flight.ts';
import { explainName, type ExplainOptions, type Explanation } from './explain.ts';
import { createInquiry, type InquiryRules, type NumberedRules } from './inquiry.ts';
import { composeOwn, isTransfer } from './own_answer.ts';
import { decidePolicy, type NamePolicy } from './policy.ts';
import type { QueryLog } from './query_log.ts';
import type { Reason, Side } from './question.ts';
import type { Resolve } from './server/resolve.ts';
import type { Kind } from './split.ts';
import { addressesOf, copyFor, rcodeOf } from './wire/answer.ts';
import { composeFailure, type ExtendedError } from './wire/compose.ts';
import { EDE, RCODE, TYPE } from './wire/constants.ts';
import { MESSAGE_LIMIT } from './wire/header.ts';
import { OPT_SIZE } from './wire/opt.ts';
import { readQuery } from './wire/query.ts';
import { minTtl } from './wire/ttl.ts';

/** What a configuration means for queries; a reload makes another and swaps it in. */
export interface ResolverRules extends InquiryRules {
  readonly policy: NamePolicy;
  readonly log: QueryLog | undefined;
}

export interface ResolverOptions {
  readonly cache: Cache;
  readonly memory: Pick<NameMemory, 'record'>;
  readonly clock: Clock;
  /** Told of what should not have been thrown; the query was answered with SERVFAIL. */
  readonly failed: (error: unknown) => void;
  /** The most queries that wait at once; what is in the cache is given even then. */
  readonly limit?: number;
}

export interface Resolver {
  readonly resolve: Resolve;
  /** @see explainName */
  explain(name: string, type: number, options?: ExplainOptions): Promise<Explanation | undefined>;
  /** New queries go by these from now on; those under way end as they began. */
  use(rules: ResolverRules): void;
}

/** Most of them stand in line: see `createInquiry`. */
const MOST_WAITING = 10_000;
const BUSY: ExtendedError = { code: EDE.OTHER, text: 'too many queries wait already' };

/** RFC 8767 §5, the client response timer: after so long an expired answer is better than none yet. */
const STALE_MS = 1_800;

interface Visit extends Asker {
  readonly client: string;
  readonly began: number;
}

/** Numbers of configurations; 0 is none's. After so many reloads nothing is left of those with the same numbers. */
const GENERATIONS = 0xffff;

export function createResolver(initial: ResolverRules, options: ResolverOptions): Resolver {
  const { cache, memory, clock, failed, limit = MOST_WAITING } = options;
  let rules: ResolverRules & NumberedRules = { ...initial, generation: 1 };
  const inquire = createInquiry(cache, clock, limit);
  const scratch = new Uint8Array(MESSAGE_LIMIT + OPT_SIZE);

  const resolve: Resolve = (query, client, transport) => {
    const began = clock.now();
    const { drop, refuse, question } = readQuery(query);
    if (drop) return undefined;
    if (question === undefined) return composeFailure(query, undefined, refuse);
    const visit = { query, question, transport, client, began };
    try {
      if (refuse !== undefined) return refused(visit, refuse);
      if (isTransfer(question.type)) return refused(visit, RCODE.REFUSED);
      const given = answer(visit);
      return given instanceof Uint8Array ? given : given.catch((error: unknown) => broken(visit, error));
    } catch (error) {
      return broken(visit, error);
    }
  };

  function answer(visit: Visit): Uint8Array | Promise<Uint8Array> {
    const { query, question } = visit;
    const hit = cache.lookupInto(query, question, scratch, 0);
    if (hit?.generation === rules.generation && hit.state === 'fresh' && !hit.shouldRefresh)
      return again(visit, hit, 'cached');

    const decision = decidePolicy(question, rules.policy);
    if (decision.action === 'answer')
      return give(visit, formed(visit, composeOwn(query, question, decision)), decision.reason, undefined);

    const { kind } = decision.name;
    // Of another time: what is local, and who knows of it, may have been another network's.
    const isOutdated = hit?.generation !== rules.generation && (kind === 'local' || hit?.side === 'local');
    if (!hit || isOutdated) return asked(visit, kind);
    if (hit.state === 'stale') {
      if (!hit.shouldRefresh) return again(visit, hit, 'stale');
      return freshened(visit, kind, formInPlace(visit, scratch, hit.length), hit.side);
    }
    const kept = again(visit, hit, 'cached');
    if (hit.shouldRefresh) ask(visit, kind).catch(unlessBusy);
    return kept;
  }

  /** What the cache has just put into the scratch memory. */
  function again(visit: Visit, hit: Hit, reason: Reason): Uint8Array {
    const { name } = visit.question;
    for (let i = 0; i < hit.addresses; i++)
      memory.record(addressIn(scratch, cache.addressAt(hit, i)), name, hit.remaining);
    return logged(visit, formInPlace(visit, scratch, hit.length), reason, hit.side);
  }

  async function asked(visit: Visit, kind: Kind): Promise<Uint8Array> {
    const { message, reason, side } = await ask(visit, kind);
    return give(visit, formed(visit, copyFor(visit.query, visit.question, message)), reason, side);
  }

  /** An answer that has expired: a new one if there is one soon, else that; then asking goes on behind. */
  async function freshened(visit: Visit, kind: Kind, stale: Uint8Array, side: Side): Promise<Uint8Array> {
    const late = Promise.withResolvers<undefined>();
    const cancel = clock.after(STALE_MS, () => late.resolve(undefined));
    const fresh = await Promise.race([ask(visit, kind).catch(unlessBusy), late.promise]);
    cancel();
    if (!fresh || isFailure(fresh.message)) return give(visit, stale, 'stale', side);
    const message = copyFor(visit.query, visit.question, fresh.message);
    return give(visit, formed(visit, message), fresh.reason, fresh.side);
  }

  function ask({ query, question }: Visit, kind: Kind) {
    return inquire(rules, query, question, kind);
  }

  /** Of an answer that nobody needs to wait for. */
  function unlessBusy(error: unknown): undefined {
    if (!(error instanceof InFlightError)) failed(error);
  }

  function give(visit: Visit, message: Uint8Array, reason: Reason, side: Side | undefined): Uint8Array {
    const { name, type } = visit.question;
    if (type === TYPE.A || type === TYPE.AAAA) {
      for (const address of addressesOf(message)) memory.record(address, name, minTtl(message) ?? 0);
    }
    return logged(visit, message, reason, side);
  }

  function logged(visit: Visit, message: Uint8Array, reason: Reason, side: Side | undefined): Uint8Array {
    const { question, client, transport, began } = visit;
    const { name, type } = question;
    const { log } = rules;
    log?.write({
      client,
      transport,
      name,
      type,
      side,
      reason,
      ms: clock.now() - began,
      rcode: rcodeOf(message),
    });
    return message;
  }

  function formed(visit: Visit, message: Uint8Array): Uint8Array {
    return formFor(visit, message) ?? composeFailure(visit.query, visit.question, RCODE.SERVFAIL);
  }

  function refused(visit: Visit, rcode: number, ede?: ExtendedError): Uint8Array {
    return give(visit, composeFailure(visit.query, visit.question, rcode, ede), 'refused', undefined);
  }

  function broken(visit: Visit, error: unknown): Uint8Array {
    if (error instanceof InFlightError) return refused(visit, RCODE.REFUSED, BUSY);
    failed(error);
    return composeFailure(visit.query, visit.question, RCODE.SERVFAIL);
  }

  return {
    resolve,
    explain: (name, type, how = {}) => explainName(name, type, { rules, cache, inquire, clock }, how),
    use(next) {
      rules = { ...next, generation: (rules.generation % GENERATIONS) + 1 };
    },
  };
}

const V4: Address = { family: 4, bytes: new Uint8Array(4) };
const V6: Address = { family: 6, bytes: new Uint8Array(16) };

/** The address at an offset that `addressOffsets` gave; good until the next is asked for. */
function addressIn(message: Uint8Array, at: number): Address {
  const address = message[at - 1] === V4.bytes.length ? V4 : V6;
  const { bytes } = address;
  for (let i = 0; i < bytes.length; i++) bytes[i] = message[at + i]!;
  return address;
}

function isFailure(message: Uint8Array): boolean {
  const rcode = rcodeOf(message);
  return rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN;
}
