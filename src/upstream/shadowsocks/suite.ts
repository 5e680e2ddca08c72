/** What all sessions of one upstream, or one server, share. */
import type { Aead } from './aead.ts';
import type { Method } from './methods.ts';

export interface Suite {
  readonly method: Method;
  readonly aead: Aead;
  readonly masterKey: Uint8Array;
  /** Fills a salt. It must never repeat: `crypto.getRandomValues`, except where a test wants known bytes. */
  readonly fillSalt: (salt: Uint8Array) => void;
}
