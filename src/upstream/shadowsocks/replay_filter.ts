/** The salts that a server has seen: each begins one connection, and none begins another. */
import { SessionError } from '../../net/session.ts';

/**
 * Exact, as SIP022 §3.1.4 wants it: no salt is taken for another. Salts are kept in two generations, which change place
 * when the younger one is old or full. Only salts of connections that have proved to know a key belong here.
 */
export class ReplayFilter {
  readonly #keep: number | undefined;
  readonly #limit: number;
  #begun = -Infinity;
  #recent = new Set<string>();
  #older = new Set<string>();

  /**
   * @param limit how many salts a generation has at most; some 120 bytes each
   * @param keep milliseconds for which a salt is remembered at least, and twice as long at most; when there are too
   *   many, new ones are refused. undefined: as many as `limit` are remembered, however old
   */
  constructor(limit: number, keep?: number) {
    this.#limit = limit;
    this.#keep = keep;
  }

  /**
   * Remembers a salt.
   * @param now milliseconds, never going back
   * @throws SessionError ERR_PROTOCOL if it is remembered already, or can't be
   */
  admit(salt: Uint8Array, now: number): void {
    const text = Buffer.from(salt).toString('latin1');
    if (this.#recent.has(text) || this.#older.has(text)) {
      throw new SessionError('ERR_PROTOCOL', 'a connection with this salt was there before', {
        hint: 'somebody recorded it and plays it again, or something on the way sends it twice',
      });
    }
    if (this.#keep === undefined) {
      if (this.#recent.size >= this.#limit) this.#turn(now);
    } else if (now - this.#begun >= this.#keep) {
      // Nothing has come for long: those of before are old, too.
      if (now - this.#begun >= 2 * this.#keep) this.#recent.clear();
      this.#turn(now);
    } else if (this.#recent.size >= this.#limit) {
      throw new SessionError(
        'ERR_PROTOCOL',
        `more than ${this.#limit} connections in ${this.#keep / 1000} s`,
      );
    }
    this.#recent.add(text);
  }

  #turn(now: number): void {
    this.#older = this.#recent;
    this.#recent = new Set();
    this.#begun = now;
  }
}
