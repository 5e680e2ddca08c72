/** Answers that were given once, for as long as they may be given again. */
import { createRecordRing } from '../../base/record_ring.ts';
import { hashText, randomSeed } from '../../base/hash.ts';
import type { CacheConfig } from '../../config/dns_config.ts';
import type { Question, Side } from '../question.ts';
import { addressOffsets } from '../wire/answer.ts';
import { TYPE } from '../wire/constants.ts';
import { FLAG, HEADER_SIZE } from '../wire/header.ts';
import { setTtls, ttlOffsets } from '../wire/ttl.ts';
import { entriesIn, keyFlags, type NewEntry } from './entry.ts';
import { lifetimeOf, type AnswerKey } from './lifetime.ts';

export interface Hit {
  /** `stale`: expired, and to be given only if nothing better comes (RFC 8767). */
  readonly state: 'fresh' | 'stale';
  /** Of the message, in bytes. */
  readonly length: number;
  /** Whole seconds that it stays fresh; 0 if it is stale. */
  readonly remaining: number;
  /** Who gave it. */
  readonly side: Side;
  /** What {@link Cache.store} was given with it. */
  readonly generation: number;
  /** How many addresses it has for its name, if it was asked for some; see {@link Cache.addressAt}. */
  readonly addresses: number;
  /** Names it for {@link Cache.addressAt}. */
  readonly entry: number;
  /**
   * Whether to ask for it anew now. Of a fresh one, true once, when a name in use is about to expire. Of a stale one,
   * true until somebody was told, and from then every {@link RETRY_SECONDS}: in between somebody tries or tried in
   * vain, and what is stale may be given at once.
   */
  readonly shouldRefresh: boolean;
}

export interface Cache {
  /** How many answers there are, expired ones among them. */
  readonly count: number;
  /** Bytes of memory that it may take in all; what was never used of it the system has not given yet. */
  readonly bytes: number;
  /**
   * The answer to a query as its asker may have it: with the query's id, RD, CD and spelling of the name, with TTLs less
   * the time it was kept; 30 s each if it is stale (RFC 8767 §4). It may have an OPT record where the query has none.
   *
   * @param question what the query asks
   * @returns a message that the caller owns; undefined if nothing usable is known
   */
  lookup(query: Uint8Array, question: Question): (Hit & { readonly message: Uint8Array }) | undefined;
  /**
   * The same into the caller's memory, without a copy of its own.
   * @param at where the message begins in `target`; from there up to `length` bytes are written
   * @throws RangeError if `target` is too short: 65,535 bytes are always enough
   */
  lookupInto(query: Uint8Array, question: Question, target: Uint8Array, at: number): Hit | undefined;
  /**
   * Where in the message an address stands, which has its length in the two bytes before it.
   * @param hit of the latest lookup, with nothing stored since
   * @param index less than `hit.addresses`
   */
  addressAt(hit: Hit, index: number): number;
  /**
   * Keeps a copy of an answer in the place of an earlier one; a failure (SERVFAIL and its like) not in the place of an
   * answer that can still be given. What must not be kept is passed over: what is malformed or truncated, answers another
   * question, lives 0 seconds, or is too large.
   * @param generation 1 to 65,535: of the rules by which it was asked for; 0, as after a restart: nobody knows
   * @returns whether it was kept
   */
  store(question: Question, answer: Uint8Array, side: Side, generation?: number): boolean;
  /** What is worth keeping over a restart: all but failures. It may be stored into between two steps. */
  kept(): Generator<KeptAnswer, void, undefined>;
  /**
   * Takes back what {@link kept} gave. What is too old to be given is passed over, and what is known anew meanwhile.
   * @returns whether it was kept
   */
  restore(answer: KeptAnswer): boolean;
}

export interface KeptAnswer {
  readonly key: AnswerKey;
  readonly side: Side;
  /** Milliseconds until it expires; negative if it has. */
  readonly remaining: number;
  /** With the TTLs of its first day. The receiver owns the bytes. */
  readonly message: Uint8Array;
}

/** RFC 8767 §4. */
const STALE_TTL = 30;

/** RFC 8767 §5: after a failure to refresh, the next attempt is not made sooner. */
const RETRY_SECONDS = 30;

/** An answer is asked for anew if it is used in the last tenth of its life, and this is not the first use. */
const LAST_PART = 0.9;
const USES = 2;

/** Bytes of a usual entry: name of 20, message of 80 to 100, 3 records. Only a first guess at how many there will be. */
const TYPICAL_ENTRY = 160;

/** @param clock milliseconds, never going back */
export function createCache(config: CacheConfig, clock: () => number): Cache {
  const ring = createRecordRing(config.size, TYPICAL_ENTRY);
  const entries = entriesIn(ring.memory);
  const seed = randomSeed();
  const staleMs = config.stale * 1000;

  const hashOf = (name: string, type: number, flags: number) => hashText(name, seed ^ (type << 2) ^ flags);

  const find = (name: string, type: number, wanted: number, flags: number): number => {
    const hash = hashOf(name, type, flags);
    let slot = ring.seek(hash);
    while (slot >= 0 && !entries.matches(ring.at(slot), name, type, wanted, flags))
      slot = ring.seek(hash, slot);
    return slot;
  };

  const findKey = (key: AnswerKey): number => find(key.name, key.type, key.class, keyFlags(key));

  const stateOf = (at: number, now: number): Hit['state'] | undefined => {
    const left = entries.born(at) + entries.life(at) * 1000 - now;
    if (left > 0) return 'fresh';
    return left > -staleMs && !entries.isFailure(at) ? 'stale' : undefined;
  };

  const shouldRefresh = (at: number, state: Hit['state'], age: number): boolean => {
    const uses = entries.use(at);
    const told = entries.toldAt(at);
    const should =
      state === 'fresh'
        ? told === undefined && uses >= USES && age >= entries.life(at) * LAST_PART && !entries.isFailure(at)
        : told === undefined || age - told >= RETRY_SECONDS;
    if (should) entries.tell(at, Math.floor(age));
    return should;
  };

  /** @returns the entry's offset; -1 if there is nothing that can be given */
  const usable = (question: Question, now: number): number => {
    const flags = keyFlags({
      dnssecOk: question.edns?.dnssecOk === true,
      checkingDisabled: question.checkingDisabled,
    });
    const slot = find(question.name, question.type, question.class, flags);
    if (slot < 0) return -1;
    const at = ring.at(slot);
    if (stateOf(at, now) !== undefined) return at;
    ring.remove(slot);
    return -1;
  };

  const give = (
    at: number,
    now: number,
    query: Uint8Array,
    question: Question,
    target: Uint8Array,
    to: number,
  ): Hit => {
    const state = stateOf(at, now)!;
    const length = entries.messageLength(at);
    if (target.length - to < length)
      throw new RangeError(`an answer of ${length} bytes into ${target.length - to}`);
    const from = entries.messageAt(at);
    entries.octets.copy(target, to, from, from + length);
    const age = (now - entries.born(at)) / 1000;
    const passed = Math.floor(age);
    entries.writeTtls(at, target, to, passed, state === 'stale' ? STALE_TTL : undefined);
    readdress(query, question.end, target, to);
    ring.touch(at);
    const refresh = shouldRefresh(at, state, age);
    return {
      state,
      length,
      remaining: state === 'stale' ? 0 : entries.life(at) - passed,
      side: entries.side(at),
      generation: entries.generation(at),
      addresses: entries.addressCount(at),
      entry: at,
      shouldRefresh: refresh,
    };
  };

  const put = (
    key: AnswerKey,
    answer: Uint8Array,
    side: Side,
    generation: number,
    remaining: number | undefined,
  ): boolean => {
    const offsets = ttlOffsets(answer);
    const lifetime = offsets && lifetimeOf(key, answer, offsets, config);
    if (!offsets || !lifetime) return false;
    const { seconds, leastTtl, mostTtl, failure } = lifetime;
    const now = clock();
    const slot = findKey(key);
    if (
      failure &&
      slot >= 0 &&
      stateOf(ring.at(slot), now) !== undefined &&
      !entries.isFailure(ring.at(slot))
    )
      return false;
    const born = remaining === undefined ? now : now - seconds * 1000 + Math.min(remaining, seconds * 1000);
    if (born + seconds * 1000 + staleMs <= now) return false;
    const addresses = key.type === TYPE.A || key.type === TYPE.AAAA ? addressOffsets(answer) : [];
    const entry: NewEntry = {
      key,
      born,
      seconds,
      failure,
      side,
      generation,
      offsets,
      addresses,
      message: answer,
    };
    const at = placeFor(entry, slot);
    if (at < 0) return false;
    entries.write(at, entry);
    const from = entries.messageAt(at);
    setTtls(entries.octets.subarray(from, from + answer.length), offsets, leastTtl, mostTtl);
    return true;
  };

  /** An entry that is refreshed mostly has the size that it had. */
  const placeFor = (entry: NewEntry, slot: number): number => {
    const size = entries.sizeOf(entry);
    if (slot >= 0) {
      const at = ring.at(slot);
      const spare = ring.roomOf(at) - size;
      if (spare >= 0 && spare < 8) return at;
      ring.remove(slot);
    }
    const { name, type } = entry.key;
    return ring.insert(hashOf(name, type, keyFlags(entry.key)), size);
  };

  return {
    get count() {
      return ring.count;
    },
    bytes: ring.bytes,
    lookup(query, question) {
      const now = clock();
      const at = usable(question, now);
      if (at < 0) return undefined;
      const message = new Uint8Array(entries.messageLength(at));
      return { ...give(at, now, query, question, message, 0), message };
    },
    lookupInto(query, question, target, at) {
      const now = clock();
      const found = usable(question, now);
      return found < 0 ? undefined : give(found, now, query, question, target, at);
    },
    addressAt: ({ entry }, index) => entries.addressAt(entry, index),
    store: (question, answer, side, generation = 0) =>
      put(keyOf(question), answer, side, generation, undefined),
    *kept() {
      for (const at of ring.walk()) {
        const now = clock();
        if (entries.isFailure(at) || stateOf(at, now) === undefined) continue;
        const from = entries.messageAt(at);
        yield {
          key: entries.key(at),
          side: entries.side(at),
          remaining: entries.born(at) + entries.life(at) * 1000 - now,
          message: new Uint8Array(entries.octets.subarray(from, from + entries.messageLength(at))),
        };
      }
    },
    restore: ({ key, side, remaining, message }) => findKey(key) < 0 && put(key, message, side, 0, remaining),
  };
}

export function keyOf({ name, type, class: wanted, edns, checkingDisabled }: Question): AnswerKey {
  return { name, type, class: wanted, dnssecOk: edns?.dnssecOk === true, checkingDisabled };
}

/** RD is the low bit of the header's third byte. */
const RECURSION_DESIRED = FLAG.RD >> 8;

/** Makes of a copy the answer to this query, whose spelling of the name it repeats: draft-vixie-dnsext-dns0x20. */
function readdress(query: Uint8Array, questionEnd: number, target: Uint8Array, at: number): void {
  target[at] = query[0]!;
  target[at + 1] = query[1]!;
  target[at + 2] = (target[at + 2]! & ~RECURSION_DESIRED) | (query[2]! & RECURSION_DESIRED);
  target[at + 3] = (target[at + 3]! & ~FLAG.CD) | (query[3]! & FLAG.CD);
  // A first name has nothing to point to: written out, it is as long in every message.
  for (let i = HEADER_SIZE; i < questionEnd; i++) target[at + i] = query[i]!;
}
