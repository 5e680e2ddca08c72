/** The client's end of one Shadowsocks connection. */
import type { Span } from '../../../ffi/memory.ts';
import type { Outbox, Session } from '../../net/session.ts';
import type { Target } from '../../net/target.ts';
import { Opener } from './opener.ts';
import { Sealer } from './sealer.ts';
import type { Suite } from './suite.ts';

/** A session to `target`. A class, since a machine may have thousands of them: methods are shared, not closures each. */
export class ClientSession implements Session {
  readonly isOnTrust = true;
  readonly #sealer: Sealer;
  readonly #opener: Opener;

  constructor(suite: Suite, target: Target) {
    const start = suite.client(target);
    this.#sealer = new Sealer(suite, start);
    this.#opener = new Opener(suite, start);
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    this.#sealer.seal(plain, from, to, out);
  }

  open(wire: Span, from: number, to: number, out: Outbox): void {
    this.#opener.open(wire, from, to, out);
  }

  openEnd(): void {
    this.#opener.end();
  }

  dispose(): void {
    this.#opener.dispose();
  }
}
