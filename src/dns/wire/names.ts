/**
 * Domain names, RFC 1035 §3.1 and §4.1.4: labels, each behind its length, up to the root's length 0; or a pointer to
 * where the rest of the name stands earlier in the message. Text is as {@link Question.name} has it.
 */
import { HEADER_SIZE, u16 } from './header.ts';

/** RFC 1035 §2.3.4, with all length bytes and the root's. */
const NAME_LIMIT = 255;
const LABEL_LIMIT = 63;

/** A name of 254 bytes before its root has at most 127 labels: more pointers than that lead nowhere. */
const POINTERS_LIMIT = 127;
const POINTER = 0xc0;

const DOT = 0x2e;
const BACKSLASH = 0x5c;
const ZERO = 0x30;

/** For each byte the character that stands for it in text, in lower case; 0 if it is written `\DDD`. */
const PLAIN = new Uint8Array(256);
for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789-_') {
  PLAIN[character.charCodeAt(0)] = character.charCodeAt(0);
  PLAIN[character.toUpperCase().charCodeAt(0)] = character.charCodeAt(0);
}

/** Where text is put together: reading a name allocates nothing but the string. Each byte becomes 4 at most. */
const text = Buffer.alloc(4 * NAME_LIMIT);

/**
 * The name at `at` as text.
 * @returns undefined if it is malformed: cut short, longer than 255 bytes, with a label type that is none (RFC 6891 §5),
 *   or with a pointer that does not lead strictly backwards, without which it could lead in circles
 */
export function readName(message: Uint8Array, at: number): string | undefined {
  let length = 0;
  let size = 1;
  let pointers = 0;
  let begin = at;
  for (;;) {
    const octet = message[at];
    if (octet === undefined) return undefined;
    if (octet === 0) return text.toString('latin1', 0, length);
    if (octet <= LABEL_LIMIT) {
      size += 1 + octet;
      if (size > NAME_LIMIT || at + octet >= message.length) return undefined;
      if (length > 0) text[length++] = DOT;
      const end = at + octet;
      while (at < end) length = putCharacter(message[++at]!, length);
      at++;
    } else {
      const target = pointerTarget(message, at);
      if (target < 0 || target >= begin || ++pointers > POINTERS_LIMIT) return undefined;
      at = begin = target;
    }
  }
}

function putCharacter(byte: number, at: number): number {
  const plain = PLAIN[byte]!;
  if (plain !== 0) {
    text[at] = plain;
    return at + 1;
  }
  text[at] = BACKSLASH;
  text[at + 1] = ZERO + Math.trunc(byte / 100);
  text[at + 2] = ZERO + (Math.trunc(byte / 10) % 10);
  text[at + 3] = ZERO + (byte % 10);
  return at + 4;
}

/** Where the pointer at `at` leads; -1 if there is none, it is cut short, or leads into the header. */
function pointerTarget(message: Uint8Array, at: number): number {
  if (message[at]! < POINTER || at + 1 >= message.length) return -1;
  const target = u16(message, at) & 0x3fff;
  return target < HEADER_SIZE ? -1 : target;
}

/**
 * Where the name at `at` ends in the message: behind its root, or its pointer.
 * @returns -1 if it is malformed up to there; what a pointer leads to is only read by {@link readName}
 */
export function skipName(message: Uint8Array, at: number): number {
  const begin = at;
  for (;;) {
    const octet = message[at];
    if (octet === undefined) return -1;
    if (octet === 0) return at - begin < NAME_LIMIT ? at + 1 : -1;
    if (octet <= LABEL_LIMIT) at += 1 + octet;
    else {
      const target = pointerTarget(message, at);
      return target < 0 || target >= begin || at - begin >= NAME_LIMIT ? -1 : at + 2;
    }
  }
}

/** Where the pointer at the end of the name at `at` stands; -1 if it has none. The name was skipped before without fault. */
export function pointerOf(message: Uint8Array, at: number): number {
  let octet = message[at]!;
  while (octet !== 0 && octet <= LABEL_LIMIT) {
    at += 1 + octet;
    octet = message[at]!;
  }
  return octet === 0 ? -1 : at;
}

/**
 * A name's wire form, without compression, in the case it is written in. Text may have a dot at its end, and escapes as
 * in RFC 1035 §5.1: `\DDD`, and `\` before a character that is no digit.
 * @returns undefined if no name is written so: an empty label, one over 63 bytes, over 255 bytes in all, a character
 *   outside of printable ASCII
 */
export function encodeName(name: string): Uint8Array | undefined {
  const bytes = new Uint8Array(NAME_LIMIT);
  let at = 1;
  let lengthAt = 0;
  const endLabel = () => {
    const length = at - lengthAt - 1;
    bytes[lengthAt] = length;
    lengthAt = at++;
    return length >= 1 && length <= LABEL_LIMIT;
  };
  if (name === '' || name === '.') return bytes.slice(0, 1);
  for (let i = 0; i < name.length;) {
    if (at >= NAME_LIMIT) return undefined;
    const code = name.charCodeAt(i);
    if (code === DOT) {
      if (!endLabel()) return undefined;
      i++;
      continue;
    }
    const escaped = code === BACKSLASH ? readEscape(name, i) : { byte: code, size: 1 };
    if (!escaped || (code !== BACKSLASH && !isPrintable(code))) return undefined;
    bytes[at++] = escaped.byte;
    i += escaped.size;
  }
  if (at > lengthAt + 1 && !endLabel()) return undefined;
  if (at > NAME_LIMIT) return undefined;
  return bytes.slice(0, at);
}

function readEscape(name: string, at: number): { readonly byte: number; readonly size: number } | undefined {
  const digits = /^\d{3}/.exec(name.slice(at + 1, at + 4))?.[0];
  if (digits) return Number(digits) <= 255 ? { byte: Number(digits), size: 4 } : undefined;
  const code = name.charCodeAt(at + 1);
  return isPrintable(code) && !/\d/.test(name[at + 1]!) ? { byte: code, size: 2 } : undefined;
}

function isPrintable(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}
