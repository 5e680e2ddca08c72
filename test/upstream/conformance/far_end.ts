/** The other end of a tunnel, as the suite wants it: from bytes to bytes, like the client's. */
import type { Target } from '../../../src/net/target.ts';

export const NOTHING = new Uint8Array(0);

export interface Taken {
  /** What it says of itself: an answer of its handshake. */
  readonly answer: Uint8Array;
  /** What goes on to the target. */
  readonly plain: Uint8Array;
}

export interface FarEnd {
  /** Where the client wants to go; undefined until it has said so. The tunnel is open as soon as it is known. */
  readonly target: Target | undefined;
  /** Takes the client's bytes, cut anywhere. @throws for what a server would not accept */
  take(wire: Uint8Array): Taken;
  /** The client has ended its direction. @throws if that cuts something in two */
  takeEnd(): void;
  /** The wire form of what the target says; not before that is known. */
  send(plain: Uint8Array): Uint8Array;
  dispose(): void;
}
