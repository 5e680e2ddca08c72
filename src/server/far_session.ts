/** What is spoken with one client: the server's end of a session. */
import type { Session } from '../net/session.ts';
import type { Target } from '../net/target.ts';

/** `open` takes the client's bytes, `seal` gives those for the client. */
export interface FarSession extends Session {
  /** Where the client wants to go; undefined until `open` has seen all of it, and gives nothing before that. */
  readonly target: Target | undefined;
  /** Who the client is, where several are told apart; known when the target is. */
  readonly user: string | undefined;
}
