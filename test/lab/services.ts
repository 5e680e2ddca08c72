/** What the origins of the lab offer. Here, and not in origin.ts, because tests import it and origin.ts is a program. */

export const PORTS = {
  /**
   * `GET /` tells the client's address; `GET /bulk/N` sends N random bytes; `PUT /sink` answers with the body's
   * SHA-256; `GET /gather/N/ID` answers ID once N such requests wait; `GET /sent` tells how many bytes of bulks have
   * been taken; `GET /release` lets the stalled service read.
   */
  http: 80,
  /** Sends back what it reads, and FIN after FIN. */
  echo: 7,
  /** Reads all and says nothing; logs the hash. */
  discard: 9,
  /** The same, but reads nothing until it is released. */
  stalled: 10,
  /** A byte every {@link DRIP_MS}, for ever. */
  drip: 19,
  /** Speaks first, as SMTP does: `220 PEER`; answers a line with `221 LINE` and ends, but takes no notice of FIN. */
  greeter: 25,
  /** Says `going` and sends FIN; reads on, and logs the hash of what came. */
  farewell: 26,
  /** HTTP/1.0 as of old: waits for the client's FIN, answers with {@link HTTP10_BODY} and ends. */
  http10: 8000,
} as const;

export const DRIP_MS = 100;
export const HTTP10_BODY = 'old, but still here\n';

/** One line of the origin's log: a connection (or a request), or the end of a transfer. */
export interface Seen {
  readonly port: number;
  /** Who the origin thinks the client is. */
  readonly peer: string;
  /** Of a transfer that came to its end. */
  readonly bytes?: number;
  readonly sha256?: string;
}
