/** TLS over whatever carries the bytes. The certificate is verified, always: there is no option not to. */
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import type { Endpoint, Host } from '../../net/address.ts';
import { formatAddress, parseAddress } from '../../net/address.ts';
import type { OpenStream } from '../../net/byte_stream.ts';
import { readTlsFailure, type TlsFailureKind } from '../../net/tls_failure.ts';
import { unreachable } from './connection.ts';
import { openDuplex } from './duplex.ts';
import { ExchangeError } from './exchange.ts';

export interface TlsOptions {
  /** For messages. */
  readonly label: string;
  /** Who the certificate must be for; undefined: the address that is connected to. */
  readonly host: Host | undefined;
  /** PEM of the authorities to trust; undefined: those that the runtime has built in (Mozilla's). */
  readonly ca: string | undefined;
  /** Protocols to offer, RFC 7301. */
  readonly alpn: readonly string[];
}

export interface TlsEvents {
  /** The handshake is over and the certificate good. */
  secured(socket: TLSSocket): void;
  /** It is over. Called once, also instead of `secured`. Without an error the far side has ended it. */
  closed(error: ExchangeError | undefined): void;
}

/** Begins TLS connections to one resolver, which resume the session of the one before (RFC 8446 §2.2). */
export type StartTls = (destination: Endpoint, events: TlsEvents) => TLSSocket;

export function createStartTls(open: OpenStream, { label, host, ca, alpn }: TlsOptions): StartTls {
  let session: Buffer | undefined;
  return (destination, events) => {
    const name = host ?? formatAddress(destination.address);
    const carrier = openDuplex((events) => open(destination, events));
    let carrierError: Error | undefined;
    /** Those that the certificate is for. */
    let names: string | undefined;
    let isSecure = false;
    let failure: ExchangeError | undefined;
    // Heard before TLS hears it, which makes an error of its own of it, or nothing.
    carrier.once('error', (error) => {
      carrierError = error;
      socket.destroy();
    });
    const socket = connect({
      socket: carrier,
      // SNI has no addresses (RFC 6066 §3).
      ...(parseAddress(name) ? {} : { servername: name }),
      checkServerIdentity(_, certificate) {
        names = certificate.subjectaltname;
        return checkServerIdentity(name, certificate);
      },
      ALPNProtocols: [...alpn],
      ...(ca === undefined ? {} : { ca }),
      ...(session ? { session } : {}),
    });
    socket.on('session', (ticket) => (session = ticket));
    socket.once('secureConnect', () => {
      isSecure = true;
      events.secured(socket);
    });
    socket.on('error', (error) => {
      failure ??=
        isSecure || carrierError
          ? unreachable(`${label}: the connection failed`, carrierError ?? error)
          : handshakeFailure(label, name, error, names);
    });
    // A far side that ends its half has no more answers: neither DNS over TLS nor HTTP/2 goes on.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      carrier.destroy();
      failure ??= carrierError && unreachable(`${label}: the connection failed`, carrierError);
      events.closed(failure);
    });
    return socket;
  };
}

/** What helps against what {@link readTlsFailure} finds. */
const HINTS: Partial<Record<TlsFailureKind, string>> = {
  expired: "check this machine's clock; if it is right, the resolver's is at fault",
  'not-yet-valid': "check this machine's clock; if it is right, the resolver's is at fault",
  untrusted: 'for a resolver of your own, name its authority in "ca"',
};

function handshakeFailure(label: string, name: Host, error: Error, names: string | undefined): ExchangeError {
  const { kind, said } = readTlsFailure(error, name, names);
  if (kind === 'closed') return unreachable(`${label}: ${said}`, error);
  return new ExchangeError('ERR_DNS_TLS', `${label}: ${said}`, { cause: error, hint: HINTS[kind] });
}
