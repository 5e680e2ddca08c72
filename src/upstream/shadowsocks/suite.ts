/** What all sessions of one upstream, or one server, share. One file an edition: edition_2017.ts, edition_2022.ts. */
import type { Target } from '../../net/target.ts';
import type { Aead } from './aead.ts';
import type { OpenerStart } from './opener.ts';
import type { SealerStart } from './sealer.ts';

export interface Suite {
  readonly aead: Aead;
  /** The most bytes of payload in one record. */
  readonly recordLimit: number;
  /** How the two directions of a new connection to `target` start, at the client's end. */
  client(target: Target): SealerStart & OpenerStart;
  /** The same at the server's end. */
  server(): ServerStart;
}

/** It comes to know both while the client's direction is opened. */
export interface ServerStart extends SealerStart, OpenerStart {
  /** Where the client wants to go. */
  readonly target: Target | undefined;
  /** Who the client is, where the server knows several users; proved, not only claimed. */
  readonly user: string | undefined;
}

/** What every edition is made from. */
export interface SuiteParts {
  readonly aead: Aead;
  /** Fills a salt. It must never repeat: `crypto.getRandomValues`, except where a test wants known bytes. */
  readonly fillRandom: (bytes: Uint8Array) => void;
  /** A server's, for all its connections: remembers the salt of one. @throws SessionError if it was there before */
  readonly admit: (salt: Uint8Array) => void;
}
