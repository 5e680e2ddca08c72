/** The client's end of a tunnel, used as a transport does, with pieces that lie somewhere in a buffer. */
import { lend, type Span } from '../../../ffi/memory.ts';
import { Outbox, PIECE, type Handshake, type Session, type Tunnel } from '../../../src/net/session.ts';

const out = new Outbox();
const rest = new Outbox();

/** Bytes before and behind each piece that don't belong to it. */
const MARGIN = 3;

export class Client {
  /** Whether the client's own bytes may go. */
  isOpen: boolean;
  #received: Uint8Array[] = [];
  readonly #handshake: Handshake | undefined;
  #session: Session | undefined;
  readonly #leavesPlain: boolean;

  /** @param leavesPlain leaves a session out as soon as it says that it is plain */
  constructor(tunnel: Tunnel, leavesPlain: boolean) {
    this.#handshake = tunnel.handshake;
    this.#session = tunnel.session;
    this.#leavesPlain = leavesPlain;
    this.isOpen = tunnel.handshake === undefined;
  }

  /** What has come for the client since this was last called. */
  takeReceived(): Uint8Array {
    const received = Buffer.concat(this.#received);
    this.#received = [];
    return received;
  }

  /** @returns what goes to the far end first */
  begin(): Uint8Array {
    out.end = 0;
    this.#handshake?.begin(out);
    return taken(out);
  }

  /** @returns what goes to the far end next */
  receive(wire: Uint8Array): Uint8Array {
    const said: Uint8Array[] = [];
    inPieces(wire, (span, from, to) => {
      if (!this.isOpen) {
        out.end = 0;
        rest.end = 0;
        this.isOpen = this.#handshake!.receive(span, from, to, out, rest);
        said.push(taken(out));
        this.#received.push(taken(rest));
        if (this.isOpen) this.#leaveIfPlain();
      } else if (this.#session) {
        out.end = 0;
        try {
          this.#session.open(span, from, to, out);
        } finally {
          this.#received.push(taken(out));
        }
      } else this.#received.push(span.bytes.slice(from, to));
    });
    return Buffer.concat(said);
  }

  receiveEnd(): void {
    if (!this.isOpen) this.#handshake!.end();
    this.#session?.openEnd();
  }

  /** @returns what goes to the far end; for an empty array a header alone, if there is one */
  send(plain: Uint8Array): Uint8Array {
    const sealed: Uint8Array[] = [];
    inPieces(plain, (span, from, to) => {
      out.end = 0;
      if (this.#session) this.#session.seal(span, from, to, out);
      else out.append(span.bytes.subarray(from, to));
      sealed.push(taken(out));
      this.#leaveIfPlain();
    });
    return Buffer.concat(sealed);
  }

  dispose(): void {
    this.#session?.dispose();
    this.#session = undefined;
  }

  #leaveIfPlain(): void {
    if (this.#leavesPlain && this.#session?.isPlain === true) this.dispose();
  }
}

function taken(outbox: Outbox): Uint8Array {
  return outbox.bytes.slice(0, outbox.end);
}

/** Gives bytes in pieces of the size that sessions are made for; of an empty array one, which is empty. */
export function inPieces(bytes: Uint8Array, use: (span: Span, from: number, to: number) => void): void {
  for (let at = 0; at === 0 || at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    const chunk = new Uint8Array(piece.length + 2 * MARGIN).fill(0xee);
    chunk.set(piece, MARGIN);
    lend(chunk, (span) => use(span, MARGIN, MARGIN + piece.length));
  }
}
