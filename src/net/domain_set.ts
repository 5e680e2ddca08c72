/**
 * An immutable set of domain names and suffixes: hundreds of thousands in a few megabytes, asked in well under a
 * microsecond. Names are text as in a question: lower case ASCII, labels joined by dots, no dot at the end.
 *
 * Two arrays hold it. `packed` has the entries one after the other: a byte of length, a byte of source, the name.
 * `slots` is a hash table with open addressing over them; a slot is `offset << 2 | flags`, 0 if free. The hash runs from
 * the end of a name to its beginning, so that one pass over a name meets the hashes of all its suffixes. It only says
 * where to look: an entry counts if its bytes are the name's.
 */

export interface DomainEntry {
  readonly name: string;
  /** True: the name and all below it, with the dot boundary. False: the name alone. */
  readonly suffix: boolean;
}

export interface DomainMatch {
  /** The entry as a person writes it: `ads.example.com`, or `*.example.com` for a suffix. */
  readonly entry: string;
  /** What {@link DomainSetBuilder.add} was given with it; of an entry that was added twice, the first time. */
  readonly source: number;
}

export interface DomainSet {
  /** Of different names; one that is both a name and a suffix counts once. */
  readonly size: number;
  /** Bytes of memory that its tables take. */
  readonly bytes: number;
  has(name: string): boolean;
  /**
   * How specific the most specific entry is that a name falls under: more for a longer entry, and for a name more than
   * for the same name as a suffix. 0 if there is none. To be compared between sets.
   */
  rank(name: string): number;
  /** That entry itself, to explain a decision; undefined if there is none. */
  find(name: string): DomainMatch | undefined;
}

export interface DomainSetBuilder {
  /**
   * @param source 0 to 255, given back by {@link DomainSet.find}: e.g. the list's place among the lists
   * @throws RangeError for a name that is empty, longer than 253, or not ASCII
   */
  add(entry: DomainEntry, source?: number): void;
  /** Call it once; the builder is of no use afterwards. */
  build(): DomainSet;
}

/** RFC 1035 §2.3.4: 255 bytes on the wire are 253 of text. */
const LONGEST = 253;
/** Bytes of an entry before its name. */
const HEADER = 2;
const DOT = 0x2e;

/** Flags of a slot. */
const EXACT = 1;
const SUFFIX = 2;

/** FNV-1a, 32 bits: draft-eastlake-fnv §5. */
const OFFSET_BASIS = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

/** The finalizer of MurmurHash3: spreads what FNV leaves in the low bits. */
function spread(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export function domainSet(entries: Iterable<DomainEntry>): DomainSet {
  const builder = domainSetBuilder();
  for (const entry of entries) builder.add(entry);
  return builder.build();
}

/** For whoever can't give all entries in one go, or wants to do other work in between. */
export function domainSetBuilder(): DomainSetBuilder {
  let packed = new Uint8Array(1024);
  let used = 0;
  let slots = new Uint32Array(64);
  let size = 0;

  return {
    add({ name, suffix }, source = 0) {
      const { length } = name;
      if (length === 0 || length > LONGEST) throw new RangeError(`a name of ${length} characters`);
      if (used + HEADER + length > packed.length) packed = grown(packed);
      packed[used] = length;
      packed[used + 1] = source;
      for (let i = 0; i < length; i++) {
        const code = name.charCodeAt(i);
        if (code > 0x7f) throw new RangeError(`${name} is not ASCII`);
        packed[used + HEADER + i] = code;
      }
      const flag = suffix ? SUFFIX : EXACT;
      const at = seek(slots, packed, packed, used + HEADER, length, hashOf(packed, used));
      if (slots[at] !== 0) {
        slots[at]! |= flag;
        return;
      }
      slots[at] = ((used << 2) | flag) >>> 0;
      used += HEADER + length;
      size++;
      // Beyond five eighths, chains of linear probing get long.
      if (8 * size > 5 * slots.length) slots = rehashed(slots, packed);
    },
    build: () => lookups(slots, packed.slice(0, used), size),
  };
}

function grown(packed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  // Offsets have 30 bits in a slot.
  if (packed.length >= 2 ** 30) throw new RangeError('more than 1 GiB of names');
  const larger = new Uint8Array(2 * packed.length);
  larger.set(packed);
  return larger;
}

function rehashed(slots: Uint32Array, packed: Uint8Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * slots.length);
  const mask = larger.length - 1;
  for (const slot of slots) {
    if (slot === 0) continue;
    // All entries differ: the first free slot is the right one.
    let at = hashOf(packed, slot >>> 2) & mask;
    while (larger[at] !== 0) at = (at + 1) & mask;
    larger[at] = slot;
  }
  return larger;
}

/** Of the entry at an offset. */
function hashOf(packed: Uint8Array, offset: number): number {
  let hash = OFFSET_BASIS;
  for (let i = offset + HEADER + packed[offset]! - 1; i >= offset + HEADER; i--) {
    hash = Math.imul(hash ^ packed[i]!, PRIME);
  }
  return spread(hash);
}

/** The slot of the entry whose name is `length` bytes of `name` from `from`, or else the free one where it belongs. */
function seek(
  slots: Uint32Array,
  packed: Uint8Array,
  name: Uint8Array,
  from: number,
  length: number,
  hash: number,
): number {
  const mask = slots.length - 1;
  let at = hash & mask;
  for (; slots[at] !== 0; at = (at + 1) & mask) {
    const offset = slots[at]! >>> 2;
    if (packed[offset] !== length) continue;
    let i = 0;
    while (i < length && packed[offset + HEADER + i] === name[from + i]) i++;
    if (i === length) return at;
  }
  return at;
}

function lookups(slots: Uint32Array, packed: Uint8Array, size: number): DomainSet {
  const mask = slots.length - 1;

  /** The slot whose entry is `name` from `from` to its end; 0 if there is none. */
  const probe = (name: string, from: number, hash: number): number => {
    const length = name.length - from;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = slots[at]!;
      if (slot === 0) return 0;
      const offset = slot >>> 2;
      if (packed[offset] !== length) continue;
      let i = 0;
      while (i < length && packed[offset + HEADER + i] === name.charCodeAt(from + i)) i++;
      if (i === length) return slot;
    }
  };

  /** The slot of the most specific entry (with `first`, of the least specific one), its flags cut down to what counts. */
  const lookUp = (name: string, first: boolean): number => {
    // Most lists of exceptions, hosts and patterns have nothing in them.
    if (size === 0) return 0;
    let hash = OFFSET_BASIS;
    let best = 0;
    for (let i = name.length - 1; i >= 0; i--) {
      const code = name.charCodeAt(i);
      if (code === DOT) {
        const slot = probe(name, i + 1, spread(hash));
        if ((slot & SUFFIX) !== 0) {
          best = (slot & ~EXACT) >>> 0;
          if (first) return best;
        }
      }
      hash = Math.imul(hash ^ code, PRIME);
    }
    const slot = name === '' ? 0 : probe(name, 0, spread(hash));
    if (slot === 0) return best;
    return (slot & EXACT) === 0 ? slot : (slot & ~SUFFIX) >>> 0;
  };

  return {
    size,
    bytes: slots.byteLength + packed.byteLength,
    has: (name) => lookUp(name, true) !== 0,
    rank(name) {
      const slot = lookUp(name, false);
      return slot === 0 ? 0 : 2 * packed[slot >>> 2]! + (slot & EXACT);
    },
    find(name) {
      const slot = lookUp(name, false);
      if (slot === 0) return undefined;
      const offset = slot >>> 2;
      const text = name.slice(name.length - packed[offset]!);
      return { entry: (slot & EXACT) === 0 ? `*.${text}` : text, source: packed[offset + 1]! };
    },
  };
}

/** Nothing in it. */
export const NO_DOMAINS: DomainSet = domainSet([]);
