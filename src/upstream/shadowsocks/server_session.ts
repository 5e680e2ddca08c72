/** The server's end of one Shadowsocks connection: what the client sealed says first where it wants to go. */
import type { Span } from '../../../ffi/memory.ts';
import type { Outbox, Session } from '../../net/session.ts';
import type { Target } from '../../net/target.ts';
import { Opener } from './opener.ts';
import { Sealer } from './sealer.ts';
import type { ServerStart, Suite } from './suite.ts';

/** `open` takes the client's bytes, `seal` gives those for the client. */
export class ServerSession implements Session {
  readonly #start: ServerStart;
  readonly #sealer: Sealer;
  readonly #opener: Opener;

  constructor(suite: Suite) {
    this.#start = suite.server();
    this.#sealer = new Sealer(suite, this.#start);
    this.#opener = new Opener(suite, this.#start);
  }

  /** Where the client wants to go; undefined until `open` has seen all of it. */
  get target(): Target | undefined {
    return this.#start.target;
  }

  /** Who the client is, by the name that the server's configuration gives; undefined where it has one key for all. */
  get user(): string | undefined {
    return this.#start.user;
  }

  /** What goes to the client. In the 2022 edition not before `target` is known: an answer names its question. */
  seal(plain: Span, from: number, to: number, out: Outbox): void {
    this.#sealer.seal(plain, from, to, out);
  }

  /**
   * Appends what is for the target; nothing before `target` is known.
   * @throws SessionError also ERR_PROTOCOL: for a target that is none, for a connection that is replayed
   */
  open(wire: Span, from: number, to: number, out: Outbox): void {
    this.#opener.open(wire, from, to, out);
  }

  /** @throws SessionError also if the client ends within its target. To end before the first byte is no error. */
  openEnd(): void {
    this.#opener.end();
  }

  dispose(): void {
    this.#opener.dispose();
  }
}
