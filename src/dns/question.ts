/** What the rooms of DNS tell each other of one query. */

export interface Question {
  /**
   * In lower case, labels joined by dots, no dot at the end; the root is ''. Bytes other than letters, digits, `-`
   * and `_` are written `\DDD` (RFC 4343 §2.1), so that text and wire form are one to one up to case.
   */
  readonly name: string;
  /** QTYPE, RFC 1035 §3.2.2 and IANA's registry. */
  readonly type: number;
  /** QCLASS; 1 is IN. */
  readonly class: number;
  /** Where the question section ends: bytes of header and question. */
  readonly end: number;
  /** The query's OPT record (RFC 6891); undefined without one. */
  readonly edns: Edns | undefined;
  /** Header bits of the query that an answer repeats or that change it: RD, CD (RFC 4035 §3.2.2). */
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
}

export interface Edns {
  /** What the asker can take over UDP, in bytes: at least 512. */
  readonly payload: number;
  /** DO, RFC 3225. */
  readonly dnssecOk: boolean;
}

/** Which resolvers were asked, or would be. */
export type Side = 'china' | 'trusted' | 'local';

/** Why an answer is what it is: the query log's word. The first five are the Go program's. */
export type Reason =
  /** From `hosts`. */
  | 'mapped'
  /** Its type is refused. */
  | 'disabled'
  | 'blocked'
  | 'cached'
  /** Expired, given because nothing better came in time (RFC 8767). */
  | 'stale'
  /** Asked: a name known to be Chinese, or one whose answer from China was Chinese. */
  | 'cn'
  /** Asked: a name known to be foreign, or one whose answer from China was not Chinese or didn't come. */
  | 'fq'
  /** Asked the system's own resolver: a name of the local network. */
  | 'local'
  /** Nobody gave an answer: SERVFAIL. */
  | 'failed'
  /** The query itself is not one that we answer: FORMERR, NOTIMP, REFUSED. */
  | 'refused';
