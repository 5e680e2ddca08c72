/**
 * A bounded hash table of records of any length, held in two blocks of memory that are allocated once: a ring of bytes,
 * written at its head, and a hash table with open addressing that says where each record stands. When the ring is full
 * the oldest record makes room, unless it was touched since it was written: then it gets a second round (CLOCK). So each
 * operation costs the same whatever the load, a flood of records that nobody asks for again pushes out only its like,
 * and the garbage collector has nothing to walk.
 *
 * A record is `u32 size | flags`, `u32 hash`, then what its owner puts there, up to a multiple of 8 bytes; all in the
 * machine's byte order. Records don't wrap around the end of the ring: what is left there is a dead record.
 */

export interface RecordRing {
  /** Where records stand. Owners make what views they need; the ring writes only the first {@link HEADER} bytes of a record. */
  readonly memory: ArrayBuffer;
  /** Live records. */
  readonly count: number;
  /** Bytes of memory, touched or not. */
  readonly bytes: number;
  /**
   * Finds records by their hash: the first slot behind `after` (or the first of all) whose record has it. Whether it is
   * the wanted one, its bytes say. Slots change at every insert and remove.
   * @returns -1 if there is none
   */
  seek(hash: number, after?: number): number;
  /** The offset in `memory` of the record of a slot: a multiple of 8. It stays until the next insert. */
  at(slot: number): number;
  /** Marks a record as used. */
  touch(at: number): void;
  /** How many bytes its owner has in a record. */
  roomOf(at: number): number;
  /**
   * Makes a record, for which others may have to go.
   * @param size bytes that the owner needs; they hold what was there before
   * @returns its offset; -1 if it is more than a quarter of the ring
   */
  insert(hash: number, size: number): number;
  remove(slot: number): void;
  /**
   * The offsets of the live records, from the oldest on. Records may come and go between two steps: what is written
   * after the first step is not met, what is moved may be met twice.
   */
  walk(): Generator<number, void, undefined>;
}

/** Bytes of a record before those of its owner. */
export const HEADER = 8;

/** Flags in the low bits of a size. */
const DEAD = 1;
const TOUCHED = 2;
const SIZE = ~7;

/**
 * How many records one insert may give another round. Each was paid for by a touch, so that this costs little on average;
 * it is a bound on how long a single insert can take, some 0.1 ms.
 */
const MOST_SPARED = 1000;

/** Bytes of a slot, hash and place; and the greatest part of the slots in use, beyond which chains get long. */
const SLOT = 8;
const LOAD = 0.75;

/** Keeps offsets in 31 bits. */
const MOST_BYTES = 2 ** 31;

/**
 * @param bytes the bound on all memory; below some hundreds nothing finds room
 * @param typical what a record is expected to take with its header, in bytes: the table has slots for as many of these
 *   as fit, and smaller ones are held in no greater number
 */
export function createRecordRing(bytes: number, typical: number): RecordRing {
  const budget = Math.min(bytes, MOST_BYTES);
  const slots = 2 ** Math.ceil(Math.log2(Math.max(8, budget / (typical + SLOT / LOAD) / LOAD)));
  const capacity = Math.max(0, (budget - slots * SLOT) & SIZE);
  const mask = slots - 1;
  const mostRecords = Math.floor(slots * LOAD);

  const hashes = new Uint32Array(slots);
  /** Offset / 8 + 1; 0 is a free slot. */
  const places = new Uint32Array(slots);
  const memory = new ArrayBuffer(capacity);
  const octets = new Uint8Array(memory);
  const words = new Uint32Array(memory);
  let count = 0;
  // Both only grow; modulo the capacity they are offsets.
  let head = 0;
  let tail = 0;

  const slotOf = (at: number): number => {
    const place = at / 8 + 1;
    let slot = words[at / 4 + 1]! & mask;
    while (places[slot] !== place) slot = (slot + 1) & mask;
    return slot;
  };

  /** Frees a slot, and moves those behind it that would otherwise not be found any more. */
  const free = (slot: number) => {
    let hole = slot;
    for (let next = (slot + 1) & mask; places[next] !== 0; next = (next + 1) & mask) {
      const distance = (next - hashes[next]!) & mask;
      if (distance < ((next - hole) & mask)) continue;
      places[hole] = places[next]!;
      hashes[hole] = hashes[next]!;
      hole = next;
    }
    places[hole] = 0;
    count--;
  };

  /** The head's offset, behind a dead record if the ring's end is too near. There is room for it. */
  const advance = (size: number): number => {
    let at = head % capacity;
    const left = capacity - at;
    if (size > left) {
      words[at / 4] = left | DEAD;
      head += left;
      at = 0;
    }
    head += size;
    return at;
  };

  /** @returns whether it was given another round instead */
  const dropOldest = (maySpare: boolean): boolean => {
    const at = tail % capacity;
    const word = words[at / 4]!;
    const size = word & SIZE;
    tail += size;
    if ((word & DEAD) !== 0) return false;
    const slot = slotOf(at);
    if ((word & TOUCHED) === 0 || !maySpare) {
      free(slot);
      return false;
    }
    // There is room: either the ring's end is free, or the record stands before it and moves down by what is free.
    const to = advance(size);
    octets.copyWithin(to, at, at + size);
    words[to / 4] = size;
    places[slot] = to / 8 + 1;
    return true;
  };

  return {
    memory,
    get count() {
      return count;
    },
    bytes: capacity + slots * SLOT,
    seek(hash, after = -1) {
      let slot = after < 0 ? hash & mask : (after + 1) & mask;
      for (; places[slot] !== 0; slot = (slot + 1) & mask) if (hashes[slot] === hash) return slot;
      return -1;
    },
    at: (slot) => (places[slot]! - 1) * 8,
    touch(at) {
      words[at / 4]! |= TOUCHED;
    },
    roomOf: (at) => (words[at / 4]! & SIZE) - HEADER,
    insert(hash, room) {
      const size = (HEADER + room + 7) & SIZE;
      if (size > capacity / 4) return -1;
      let spare = MOST_SPARED;
      for (;;) {
        const left = capacity - (head % capacity);
        const wanted = size <= left ? size : left + size;
        if (wanted <= capacity - (head - tail) && count < mostRecords) break;
        if (dropOldest(spare > 0)) spare--;
      }
      const at = advance(size);
      words[at / 4] = size;
      words[at / 4 + 1] = hash;
      let slot = hash & mask;
      while (places[slot] !== 0) slot = (slot + 1) & mask;
      places[slot] = at / 8 + 1;
      hashes[slot] = hash;
      count++;
      return at;
    },
    remove(slot) {
      words[(places[slot]! - 1) * 2]! |= DEAD;
      free(slot);
    },
    *walk() {
      const end = head;
      for (let from = tail; from < end; from = Math.max(from, tail)) {
        const at = from % capacity;
        const word = words[at / 4]!;
        from += word & SIZE;
        if ((word & DEAD) === 0) yield at;
      }
    },
  };
}
