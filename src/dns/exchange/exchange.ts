/** One resolver, by one transport. One file a transport beside this file. */
import { SnetError } from '../../base/errors.ts';
import type { Question } from '../question.ts';
import type { EndSignal } from './end.ts';

export interface Exchange {
  /** For logs: `udp://223.5.5.5`, `tls://1.1.1.1 (cloudflare-dns.com)`, `https://8.8.8.8/dns-query (dns.google)`. */
  readonly label: string;
  /**
   * Sends a query and waits for its answer: one whose id and question match (RFC 5452 §9.1); others are ignored and
   * the wait goes on. Ids on the wire are our own; the answer comes back with the query's.
   *
   * @param query a whole message; not kept, not changed
   * @param accept says of a matching answer whether to believe it; of one that it does not, the wait goes on (a liar
   *   is often faster than the one who was asked). Left out: the first that matches. Over a connection there is no
   *   second answer: there the wait is over then, with ERR_DNS_PROTOCOL
   * @param signal ends the wait
   * @returns a message that the caller owns; its TC bit is never set: a truncated answer was asked for again over TCP
   * @throws ExchangeError
   */
  ask(
    query: Uint8Array,
    question: Question,
    options: { readonly signal: EndSignal; readonly accept?: (answer: Uint8Array) => boolean },
  ): Promise<Uint8Array>;
  /**
   * The machine may have come to another network: nothing is to be expected of connections that are open, nor known of
   * who fails. Queries under way are asked again. Left out: it keeps nothing from one query to the next.
   */
  renew?(): void;
  close(): void;
}

export type ExchangeStatus =
  /** No answer in time. */
  | 'ERR_DNS_TIMEOUT'
  /** The resolver can't be reached, or broke the connection. */
  | 'ERR_DNS_UNREACHABLE'
  /** TLS failed: the certificate is expired, for another name, or not trusted. */
  | 'ERR_DNS_TLS'
  /** What came was no DNS over this transport: an HTTP status, a frame of length 0. */
  | 'ERR_DNS_PROTOCOL';

export class ExchangeError extends SnetError<ExchangeStatus> {}
