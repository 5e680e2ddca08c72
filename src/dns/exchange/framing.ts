/** DNS messages on a stream: each behind its length, two bytes, most significant first (RFC 1035 §4.2.2, RFC 7766 §8). */
import { ExchangeError } from './exchange.ts';

/** The length field has 16 bits. */
const LONGEST = 0xffff;
/** A header, RFC 1035 §4.1.1: nothing shorter is a message. */
const SHORTEST = 12;

/** @returns a new array: length, message */
export function frame(message: Uint8Array): Uint8Array {
  if (message.length > LONGEST) throw new RangeError(`a DNS message of ${message.length} bytes`);
  const framed = new Uint8Array(2 + message.length);
  framed[0] = message.length >> 8;
  framed[1] = message.length & 0xff;
  framed.set(message, 2);
  return framed;
}

/**
 * Takes the bytes of a stream, cut anywhere, and gives the messages that are whole by then.
 *
 * @returns a function of the next bytes, which it doesn't keep; the messages are the caller's
 * @throws ExchangeError ERR_DNS_PROTOCOL (the function) if a length can be none of a message; it is not called again
 */
export function createUnframer(): (bytes: Uint8Array) => Uint8Array[] {
  /** The first byte of a length whose second has not come. */
  let high: number | undefined;
  /** The message that is coming in, and how much of it is there. */
  let message: Uint8Array | undefined;
  let filled = 0;
  return (bytes) => {
    const whole: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (!message) {
        if (high === undefined) {
          high = bytes[at++]!;
          continue;
        }
        message = new Uint8Array(checked((high << 8) | bytes[at++]!));
        high = undefined;
        filled = 0;
      }
      const part = bytes.subarray(at, at + message.length - filled);
      message.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < message.length) break;
      whole.push(message);
      message = undefined;
    }
    return whole;
  };
}

function checked(length: number): number {
  if (length >= SHORTEST) return length;
  throw new ExchangeError('ERR_DNS_PROTOCOL', `a DNS message of ${length} bytes was announced`);
}
