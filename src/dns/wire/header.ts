/**
 * The header, RFC 1035 §4.1.1: id, flags, and the counts of questions, answers, authority and additional records, six
 * 16-bit numbers in network order.
 */

export const HEADER_SIZE = 12;

/** The longest message: its length is a u16 over TCP (RFC 1035 §4.2.2), and UDP takes no more. */
export const MESSAGE_LIMIT = 0xffff;

/** Bits of the flags, the u16 at offset 2. */
export const FLAG = {
  /** It is an answer. */
  QR: 0x8000,
  /** Truncated. */
  TC: 0x0200,
  /** Recursion desired, and available. */
  RD: 0x0100,
  RA: 0x0080,
  /** Authentic data and checking disabled (RFC 4035 §3.2). */
  AD: 0x0020,
  CD: 0x0010,
} as const;

export const OPCODE_MASK = 0x7800;
export const RCODE_MASK = 0x000f;

/** Offsets of the counts. */
export const COUNT = { question: 4, answer: 6, authority: 8, additional: 10 } as const;

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** The message's id. The message has a whole header. */
export function idOf(message: Uint8Array): number {
  return u16(message, 0);
}

/** In place. */
export function setId(message: Uint8Array, id: number): void {
  putU16(message, 0, id);
}

export function flagsOf(message: Uint8Array): number {
  return u16(message, 2);
}

export function setFlags(message: Uint8Array, flags: number): void {
  putU16(message, 2, flags);
}
