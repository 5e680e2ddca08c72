/**
 * One answer in the cache's memory, behind the ring's header; in the machine's byte order, the record at a multiple of 8:
 *
 *      8  f64  born: milliseconds of the cache's clock
 *     16  u32  life: seconds
 *     20  u32  0, or 1 + seconds between birth and the last time somebody was told to ask again
 *     24  u16  type, u16 class
 *     28  u8   DO, CD, failure; u8 side; u8 uses, up to 255; u8 how many addresses the message has, up to 255
 *     32  u16  length of the name, u16 length of the message
 *     36  u16  how many TTLs the message has; u16 generation of the rules that it was asked for by
 *     40  u16  where each TTL stands in the message, then where each address does
 *         the name in ASCII, then the message
 */
import { HEADER } from '../../base/record_ring.ts';
import type { Side } from '../question.ts';
import { putU32, u32 } from '../wire/header.ts';
import type { AnswerKey } from './lifetime.ts';

const FIXED = 32;
const OFFSETS = HEADER + FIXED;

const DNSSEC_OK = 1;
const CHECKING_DISABLED = 2;
const FAILURE = 4;
const KEY_FLAGS = DNSSEC_OK | CHECKING_DISABLED;

const MOST_ADDRESSES = 255;

const SIDES: readonly Side[] = ['china', 'trusted', 'local'];

export interface NewEntry {
  readonly key: AnswerKey;
  readonly born: number;
  readonly seconds: number;
  readonly failure: boolean;
  readonly side: Side;
  readonly generation: number;
  readonly offsets: Uint32Array;
  /** Where its addresses stand; those beyond {@link MOST_ADDRESSES} are not noted. */
  readonly addresses: readonly number[];
  readonly message: Uint8Array;
}

/** Entries by their offset in the memory of a ring. */
export function entriesIn(memory: ArrayBuffer) {
  const octets = Buffer.from(memory);
  const halves = new Uint16Array(memory);
  const words = new Uint32Array(memory);
  const numbers = new Float64Array(memory);

  const addressesAt = (at: number) => at + OFFSETS + 2 * halves[at / 2 + 18]!;
  const nameAt = (at: number) => addressesAt(at) + 2 * octets[at + 31]!;
  const messageAt = (at: number) => nameAt(at) + halves[at / 2 + 16]!;

  return {
    /** The memory's bytes. */
    octets,
    messageAt,
    messageLength: (at: number) => halves[at / 2 + 17]!,
    /** Bytes that an entry takes behind the ring's header. */
    sizeOf: ({ key, offsets, addresses, message }: NewEntry) =>
      FIXED +
      2 * (offsets.length + Math.min(MOST_ADDRESSES, addresses.length)) +
      key.name.length +
      message.length,

    write(at: number, entry: NewEntry): void {
      const { key, born, seconds, failure, side, generation, offsets, addresses, message } = entry;
      numbers[at / 8 + 1] = born;
      words[at / 4 + 4] = seconds;
      words[at / 4 + 5] = 0;
      halves[at / 2 + 12] = key.type;
      halves[at / 2 + 13] = key.class;
      octets[at + 28] = keyFlags(key) | (failure ? FAILURE : 0);
      octets[at + 29] = SIDES.indexOf(side);
      octets[at + 30] = 0;
      octets[at + 31] = Math.min(MOST_ADDRESSES, addresses.length);
      halves[at / 2 + 16] = key.name.length;
      halves[at / 2 + 17] = message.length;
      halves[at / 2 + 18] = offsets.length;
      halves[at / 2 + 19] = generation;
      for (let i = 0; i < offsets.length; i++) halves[(at + OFFSETS) / 2 + i] = offsets[i]!;
      const noted = addressesAt(at) / 2;
      for (let i = 0; i < octets[at + 31]!; i++) halves[noted + i] = addresses[i]!;
      octets.write(key.name, nameAt(at), 'latin1');
      octets.set(message, messageAt(at));
    },

    matches(at: number, name: string, type: number, wanted: number, flags: number): boolean {
      if (halves[at / 2 + 12] !== type || halves[at / 2 + 13] !== wanted) return false;
      if ((octets[at + 28]! & KEY_FLAGS) !== flags || halves[at / 2 + 16] !== name.length) return false;
      const from = nameAt(at);
      for (let i = 0; i < name.length; i++) if (octets[from + i] !== name.charCodeAt(i)) return false;
      return true;
    },

    key(at: number): AnswerKey {
      const flags = octets[at + 28]!;
      const from = nameAt(at);
      return {
        name: octets.toString('latin1', from, from + halves[at / 2 + 16]!),
        type: halves[at / 2 + 12]!,
        class: halves[at / 2 + 13]!,
        dnssecOk: (flags & DNSSEC_OK) !== 0,
        checkingDisabled: (flags & CHECKING_DISABLED) !== 0,
      };
    },

    isFailure: (at: number) => (octets[at + 28]! & FAILURE) !== 0,
    side: (at: number): Side => SIDES[octets[at + 29]!]!,
    born: (at: number) => numbers[at / 8 + 1]!,
    life: (at: number) => words[at / 4 + 4]!,
    generation: (at: number) => halves[at / 2 + 19]!,
    addressCount: (at: number) => octets[at + 31]!,
    addressAt: (at: number, index: number) => halves[addressesAt(at) / 2 + index]!,

    /** Counts a use, and says how many there were with this one. */
    use(at: number): number {
      const uses = Math.min(255, octets[at + 30]! + 1);
      octets[at + 30] = uses;
      return uses;
    },

    /** Seconds from birth to the last time that somebody was told to ask again; undefined if nobody was. */
    toldAt(at: number): number | undefined {
      const told = words[at / 4 + 5]!;
      return told === 0 ? undefined : told - 1;
    },
    tell(at: number, age: number): void {
      words[at / 4 + 5] = 1 + age;
    },

    /**
     * Writes the TTLs of a copy of its message.
     * @param to where the copy begins in `target`
     * @param passed seconds to take off, down to 0
     * @param fixed what to write instead
     */
    writeTtls(at: number, target: Uint8Array, to: number, passed: number, fixed: number | undefined): void {
      const first = (at + OFFSETS) / 2;
      const last = first + halves[at / 2 + 18]!;
      const from = messageAt(at);
      for (let i = first; i < last; i++) {
        const offset = halves[i]!;
        putU32(target, to + offset, fixed ?? Math.max(0, u32(octets, from + offset) - passed));
      }
    },
  };
}

export function keyFlags({ dnssecOk, checkingDisabled }: Omit<AnswerKey, 'name' | 'type' | 'class'>): number {
  return (dnssecOk ? DNSSEC_OK : 0) | (checkingDisabled ? CHECKING_DISABLED : 0);
}
