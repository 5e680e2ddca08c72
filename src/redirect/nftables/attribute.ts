/**
 * Netlink attributes, struct nlattr (linux/netlink.h): u16 length with header and without padding, u16 type, both in
 * host order (little-endian on every CPU that we build for); the value; zeros up to a multiple of 4.
 */

export type Bytes = Uint8Array<ArrayBuffer>;

const HEADER = 4;
/** The value holds attributes. */
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** The most bytes that the value of one attribute may have: its length, with the header, is a u16. */
export const ATTRIBUTE_MAX = 0xffff - HEADER;

/** Rounds a length up to the next multiple of 4 (NLA_ALIGN, NLMSG_ALIGN). */
export function aligned(length: number): number {
  return (length + 3) & ~3;
}

/** @throws RangeError if the value is longer than {@link ATTRIBUTE_MAX}: the caller should have split it */
export function attribute(type: number, value: Uint8Array): Bytes {
  if (value.length > ATTRIBUTE_MAX)
    throw new RangeError(`netlink attribute ${type & NLA_TYPE_MASK} of ${value.length} bytes is too long`);
  const bytes = new Uint8Array(aligned(HEADER + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, HEADER + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, HEADER);
  return bytes;
}

/** An attribute made of attributes. */
export function nested(type: number, ...attributes: readonly Uint8Array[]): Bytes {
  return attribute(type | NLA_F_NESTED, concat(attributes));
}

/** A 32-bit number, or its two's complement if negative. nf_tables takes numbers in network order. */
export function u32(type: number, value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return attribute(type, bytes);
}

/** Text in UTF-8 with a NUL behind it. */
export function string(type: number, value: string): Bytes {
  return attribute(type, nulTerminated(value));
}

export function nulTerminated(value: string): Bytes {
  return new TextEncoder().encode(`${value}\0`);
}

export function concat(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Attributes by type, without flags; of two with one type the later counts. Ends quietly at the first that is cut short. */
export function readAttributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < HEADER || at + length > bytes.length) break;
    found.set(view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + HEADER, at + length));
    at += aligned(length);
  }
  return found;
}

/** A number in network order, as nf_tables writes it; undefined if there is none of 4 bytes. */
export function readU32(value: Uint8Array | undefined): number | undefined {
  if (value?.length !== 4) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(0);
}

/** Text up to its NUL. */
export function readString(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value).replace(/\0.*$/s, '');
}
