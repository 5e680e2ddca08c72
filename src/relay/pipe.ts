/**
 * One direction of a relay: what the sink has not taken yet, and how far the end of the stream has come.
 * A sink that is slow pauses its source; a FIN of the source goes to the sink behind the last byte.
 */
import type { Socket } from 'bun';

/** The part of a socket that a pipe uses. */
export type Stream = Pick<Socket<unknown>, 'write' | 'pause' | 'resume' | 'shutdown'>;

export class Pipe {
  /** Bytes handed to the sink or waiting for it. */
  bytes = 0;
  /** The source has sent its FIN. */
  ended = false;
  /** That FIN has been passed on; nothing more will come. */
  finished = false;
  source: Stream | undefined;
  sink: Stream | undefined;
  #backlog: Uint8Array | undefined;

  /** Bytes that the sink has not taken yet: one read of the source, or a little more. */
  get waiting(): number {
    return this.#backlog?.length ?? 0;
  }

  /**
   * Sends `bytes[0..length)`. What the kernel doesn't take is copied, so the caller may reuse `bytes` at once, and
   * the source is paused until it is gone.
   */
  push(bytes: Uint8Array, length: number): void {
    if (length === 0) return;
    this.bytes += length;
    if (this.#backlog !== undefined) {
      // A read that was under way when the source was paused: keep the order.
      this.#backlog = Buffer.concat([this.#backlog, bytes.subarray(0, length)]);
      return;
    }
    const taken = write(this.sink, bytes, length);
    if (taken < length) {
      this.#backlog = bytes.slice(taken, length);
      this.source?.pause();
    }
  }

  /** The sink can take bytes again. */
  drain(): void {
    if (this.#backlog !== undefined) {
      const taken = write(this.sink, this.#backlog, this.#backlog.length);
      if (taken < this.#backlog.length) {
        this.#backlog = this.#backlog.subarray(taken);
        return;
      }
      this.#backlog = undefined;
      if (!this.ended) this.source?.resume();
    }
    if (this.ended) this.end();
  }

  /** The source has ended: passes the FIN on as soon as the sink has taken all. */
  end(): void {
    this.ended = true;
    if (this.finished || this.#backlog !== undefined) return;
    this.finished = true;
    this.sink?.shutdown();
  }
}

/** @returns how many bytes the kernel took; a socket that is closing takes none */
function write(sink: Stream | undefined, bytes: Uint8Array, length: number): number {
  return sink === undefined ? 0 : Math.max(0, sink.write(bytes, 0, length));
}
