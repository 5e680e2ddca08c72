/**
 * Several users on one port, where the protocol has no place for a name: whose key opens a client's first bytes is who the
 * client is. Each key costs one try a connection.
 */
import type { Span } from '../../ffi/memory.ts';
import { SessionError, type Outbox } from '../net/session.ts';
import type { Target } from '../net/target.ts';
import type { FarSession } from './far_session.ts';

export interface NamedKey {
  readonly user: string;
  readonly session: () => FarSession;
}

interface Candidate {
  readonly user: string;
  readonly session: FarSession;
}

/** A session that is one of those of `keys`, as soon as it is clear of which. */
export class AnyKey implements FarSession {
  /** At least one. Those that have failed are taken out, except for the last. */
  #left: readonly Candidate[];

  /** @param keys at least one */
  constructor(keys: readonly NamedKey[]) {
    this.#left = keys.map(({ user, session }) => ({ user, session: session() }));
  }

  get target(): Target | undefined {
    return this.#only?.session.target;
  }

  get user(): string | undefined {
    return this.target && this.#only!.user;
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    this.#only!.session.seal(plain, from, to, out);
  }

  open(wire: Span, from: number, to: number, out: Outbox): void {
    if (this.#only) return this.#only.session.open(wire, from, to, out);
    const left: Candidate[] = [];
    let refusal: SessionError | undefined;
    for (const candidate of this.#left) {
      try {
        candidate.session.open(wire, from, to, out);
        left.push(candidate);
      } catch (error) {
        if (!(error instanceof SessionError)) throw error;
        candidate.session.dispose();
        // Of a replay, or a target that is none, only the one says so whose key it is.
        if (refusal === undefined || error.status !== 'ERR_AEAD') refusal = error;
      }
    }
    this.#left = left;
    if (left.length === 0) throw refusal!;
  }

  openEnd(): void {
    for (const { session } of this.#left) session.openEnd();
  }

  dispose(): void {
    for (const { session } of this.#left) session.dispose();
  }

  get #only(): Candidate | undefined {
    return this.#left.length === 1 ? this.#left[0] : undefined;
  }
}
