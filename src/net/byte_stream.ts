/** A stream of bytes to somewhere, whoever carries it: a socket, or a session through an upstream. */
import type { Endpoint } from './address.ts';

export interface ByteStreamEvents {
  /** It is connected and may be written to. */
  open(): void;
  /** The bytes are the receiver's. */
  data(bytes: Uint8Array): void;
  /** It is over: the far side has ended it, or it failed. Called once, also instead of `open`. */
  close(error: Error | undefined): void;
}

export interface ByteStream {
  /** Takes all; what the network doesn't take at once waits in memory. The caller may reuse the bytes. */
  write(bytes: Uint8Array): void;
  /** Ends it now; no event comes any more. */
  close(): void;
}

/** Begins to connect. Never throws: a failure is `close`. */
export type OpenStream = (destination: Endpoint, events: ByteStreamEvents) => ByteStream;
