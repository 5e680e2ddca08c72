/** DNS over UDP (RFC 1035 §4.2.1), guarded against forgers as RFC 5452 has it. */
import { formatAddress, type Endpoint } from '../../net/address.ts';
import { answers, isTruncated } from '../wire/answer.ts';
import { HEADER_SIZE, idOf, setId } from '../wire/header.ts';
import { mixedCase, RANDOM_SIZE } from '../wire/mix_case.ts';
import type { EndSignal } from './end.ts';
import { ExchangeError, type Exchange } from './exchange.ts';
import { createGate, onAbort, timeout } from './gate.ts';
import { randomId } from './random_id.ts';
import { createRoundTrip } from './round_trip.ts';

/** Each has a socket of its own. */
const MOST_IN_FLIGHT = 512;

/** How often a query is sent again, each time after twice the time. */
const REPEATS = 2;

export interface UdpOptions {
  readonly label: string;
  readonly resolver: Endpoint;
  /** The same resolver over TCP, for answers that don't fit a datagram (RFC 7766 §5). Closed with this one. */
  readonly tcp: Exchange;
  /** 0x20: believe only answers that repeat the mixed case of the question. */
  readonly mixCase: boolean;
}

/** The answer was truncated: it must be asked for over TCP. */
const TRUNCATED = Symbol('truncated');

export function createUdpExchange({ label, resolver, tcp, mixCase }: UdpOptions): Exchange {
  const connect = { hostname: formatAddress(resolver.address), port: resolver.port };
  const gate = createGate(MOST_IN_FLIGHT);
  const roundTrip = createRoundTrip();
  const inFlight = new Set<(error: ExchangeError) => void>();
  let closed: ExchangeError | undefined;

  /**
   * Asks until an answer comes that is taken. The socket is new for each query, so that its port is a random one
   * (RFC 5452 §9.2), and connected, so that only the resolver's datagrams arrive.
   *
   * @param take what to make of a datagram; undefined: nothing, and the wait goes on
   */
  const inquire = async <T>(
    sent: Uint8Array,
    signal: EndSignal,
    take: (datagram: Uint8Array) => T | undefined,
  ): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (cause: unknown) =>
      reject(new ExchangeError('ERR_DNS_UNREACHABLE', `${label}: can't be reached`, { cause }));
    const socket = await openSocket(connect, fail, (datagram) => {
      const taken = take(datagram);
      if (taken !== undefined) resolve(taken);
    });
    const began = performance.now();
    let repeat: Timer | undefined;
    const send = (left: number, wait: number) => {
      try {
        // False if the kernel has no room: lost, as any datagram may be.
        socket?.send(sent);
      } catch (error) {
        fail(error);
      }
      if (left > 0) repeat = setTimeout(() => send(left - 1, 2 * wait), wait);
    };
    const leave = onAbort(signal, () => reject(timeout(`${label}: no answer in time`, signal)));
    inFlight.add(reject);
    try {
      if (closed) reject(closed);
      else if (!signal.aborted) send(REPEATS, roundTrip.timeout);
      const result = await promise;
      roundTrip.took(performance.now() - began);
      return result;
    } finally {
      leave();
      inFlight.delete(reject);
      clearTimeout(repeat);
      socket?.close();
    }
  };

  return {
    label,

    async ask(query, question, { signal, accept }) {
      const result = await gate(signal, async () => {
        if (closed) throw closed;
        const sent = mixCase ? mixedCase(query, randomBytes()) : new Uint8Array(query);
        setId(sent, randomId());
        return inquire(sent, signal, (datagram) => {
          if (!answers(sent, datagram, { exactCase: mixCase })) return undefined;
          if (isTruncated(datagram)) return TRUNCATED;
          const answer = new Uint8Array(datagram);
          setId(answer, idOf(query));
          answer.set(query.subarray(HEADER_SIZE, question.end), HEADER_SIZE);
          return !accept || accept(answer) ? answer : undefined;
        });
      });
      return result === TRUNCATED ? tcp.ask(query, question, { signal, ...(accept && { accept }) }) : result;
    },

    // What was sent is sent again by itself, if it is lost.
    renew: () => tcp.renew?.(),

    close() {
      closed = new ExchangeError('ERR_DNS_UNREACHABLE', `${label}: closed`);
      for (const reject of inFlight) reject(closed);
      tcp.close();
    },
  };
}

/** @returns undefined if there is none to be had; that was told to `fail` */
async function openSocket(
  connect: { readonly hostname: string; readonly port: number },
  fail: (cause: unknown) => void,
  receive: (datagram: Uint8Array) => void,
) {
  try {
    return await Bun.udpSocket({
      // Without it the socket is of IPv4, whatever it is to be connected to (Bun 1.4.5).
      hostname: connect.hostname.includes(':') ? '::' : '0.0.0.0',
      connect,
      socket: {
        data: (_, datagram) => receive(datagram),
        // What ICMP said of an earlier datagram, such as that nobody listens there. Bun 1.4.5 passes the error alone,
        // its types say that the socket comes first.
        error: (first, second?: unknown) => fail(second ?? first),
      },
    });
  } catch (error) {
    fail(error);
    return undefined;
  }
}

function randomBytes(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(RANDOM_SIZE));
}
