/** The head of an HTTP/1 response: a status line, fields, an empty line (RFC 9112 §2.1, §4, §5). */
import { SessionError } from '../../net/session.ts';

/** The most bytes of all heads before the tunnel is open, interim ones included. */
export const HEAD_LIMIT = 16 * 1024;

const PROTOCOL = 'HTTP/1.';
const LF = 0x0a;
const CR = 0x0d;
/** Records of TLS begin so: an alert, a handshake. */
const TLS_RECORDS = [0x15, 0x16];

/** The fields that say why; of a field that stands in several lines, the lines' values (RFC 9110 §5.3). */
const KEPT = ['proxy-authenticate', 'x-squid-error'] as const;
type Kept = (typeof KEPT)[number];

/** Reads one head, however it is cut. Only the line that is coming in is kept, and what of the rest says why. */
export class ResponseHead {
  /** 0 until the status line is there. */
  status = 0;
  /** May be empty, and hold any byte but a line's end, as Latin-1. */
  reason = '';
  isWhole = false;
  readonly #fields: { readonly name: Kept; readonly value: string }[] = [];
  #line: Buffer;
  #filled = 0;
  /** Bytes that may still come, of this head and of those that follow. */
  #left: number;

  constructor(left: number = HEAD_LIMIT, line: Buffer = Buffer.alloc(512)) {
    this.#left = left;
    this.#line = line;
  }

  /** No byte of it has come. */
  get isEmpty(): boolean {
    return this.status === 0 && this.#filled === 0;
  }

  /** For the head behind this one, with what is left of the limit. */
  next(): ResponseHead {
    return new ResponseHead(this.#left, this.#line);
  }

  /** The values of a field, in their order. */
  values(name: Kept): string[] {
    return this.#fields.filter((field) => field.name === name).map(({ value }) => value);
  }

  /**
   * Reads `bytes[from..to)`, as far as the head goes.
   * @returns where it stopped: behind the head if that `isWhole` now, else `to`
   * @throws SessionError ERR_PROTOCOL for what is not HTTP/1, and for a head that is too long
   */
  read(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && !this.isWhole) {
      const length = bytes.subarray(at, to).indexOf(LF) + 1;
      const end = length > 0 ? at + length : to;
      this.#take(bytes, at, end);
      if (length > 0) this.#lineRead();
      at = end;
    }
    return at;
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    if (this.status === 0) this.#checkProtocol(bytes, from, to);
    const length = to - from;
    if (length > this.#left)
      throw new SessionError(
        'ERR_PROTOCOL',
        `the HTTP proxy's answer has a header of more than ${HEAD_LIMIT} bytes`,
      );
    this.#left -= length;
    if (this.#filled + length > this.#line.length) {
      // Twice as much each time, so that all copies together are no more than the last one and as much again.
      const larger = Buffer.alloc(Math.max(2 * this.#line.length, this.#filled + length));
      larger.set(this.#line.subarray(0, this.#filled));
      this.#line = larger;
    }
    this.#line.set(bytes.subarray(from, to), this.#filled);
    this.#filled += length;
  }

  /** As soon as a byte is wrong: who speaks something else may wait for us for ever. */
  #checkProtocol(bytes: Uint8Array, from: number, to: number): void {
    for (let i = this.#filled; i < PROTOCOL.length && from + i - this.#filled < to; i++) {
      const byte = bytes[from + i - this.#filled]!;
      if (byte === PROTOCOL.charCodeAt(i)) continue;
      throw i === 0 && TLS_RECORDS.includes(byte)
        ? new SessionError('ERR_PROTOCOL', 'the HTTP proxy answers in TLS', {
            hint: 'write https:// for http://',
          })
        : new SessionError('ERR_PROTOCOL', "the HTTP proxy's answer is not HTTP/1");
    }
  }

  /** A line may end in LF alone (RFC 9112 §2.2). */
  #lineRead(): void {
    const end = this.#filled - (this.#filled > 1 && this.#line[this.#filled - 2] === CR ? 2 : 1);
    const line = this.#line.toString('latin1', 0, end);
    this.#filled = 0;
    if (this.status === 0) this.#statusLine(line);
    else if (line === '') this.isWhole = true;
    else this.#field(line);
  }

  /** RFC 9112 §4; many leave out the space before a reason that isn't there. */
  #statusLine(line: string): void {
    const parts = /^HTTP\/1\.\d +([1-9]\d\d)(?: (.*))?$/s.exec(line);
    if (!parts) throw new SessionError('ERR_PROTOCOL', "the HTTP proxy's answer has a malformed status line");
    this.status = Number(parts[1]);
    this.reason = parts[2] ?? '';
  }

  /** What is no field, or goes on with the one before (RFC 9112 §5.2), does not concern a tunnel. */
  #field(line: string): void {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const kept = KEPT.find((each) => each === name);
    if (kept) this.#fields.push({ name: kept, value: line.slice(colon + 1).trim() });
  }
}
