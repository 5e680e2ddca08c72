/** Whether to believe the server that a handshake has found. */
import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { parseAddress, type Host } from '../../net/address.ts';
import {
  isOfCertificate,
  readTlsFailure,
  TlsError,
  wrongName,
  type TlsFailure,
  type TlsFailureKind,
} from '../../net/tls_failure.ts';

export interface Belief {
  /** For messages: the server as it was configured. */
  readonly server: Host;
  /** Who its certificate has to be for. */
  readonly name: Host;
  /** SHA-256 of certificates, in hexadecimal; empty: the name and the authorities count. */
  readonly pins: readonly string[];
  /** Any certificate will do that the pins, if there are some, allow. */
  readonly insecure: boolean;
}

/** As the runtime tells of it. */
export interface Seen {
  readonly completed: boolean;
  readonly error: Error | null;
  /** The server's; undefined: the handshake did not come that far. */
  readonly certificate: X509Certificate | undefined;
}

/** What helps against what {@link readTlsFailure} finds. */
const HINTS: Readonly<Record<TlsFailureKind, string | undefined>> = {
  closed: 'is it the right port? A server may also close on names that it does not know ("sni")',
  'no-tls': 'is it the right port, and is TLS on at the server?',
  version: 'the server has to be brought up to date',
  refused: undefined,
  'client-certificate': 'name a certificate that the server knows, and its key, in "cert" and "key"',
  other: undefined,
  expired: "check this machine's clock; if it is right, the server's certificate has to be renewed",
  'not-yet-valid': "check this machine's clock, and the server's",
  'wrong-name': 'name in "sni" whom it is for, or pin it ("pin") if the server is your own',
  untrusted: 'for a server of your own, name its authority in "ca" or pin its certificate ("pin")',
  'bad-certificate': undefined,
};

/** @returns why not to go on; undefined: it is who it should be */
export function judge(belief: Belief, { completed, error, certificate }: Seen): TlsError | undefined {
  const failure = failureOf(belief, completed, error, certificate);
  if (failure && !isOfCertificate(failure.kind)) return tlsError(belief, failure, error);
  if (certificate === undefined)
    return tlsError(belief, { kind: 'other', said: 'it showed no certificate' }, error);
  if (belief.pins.length > 0) return unpinned(belief, certificate);
  if (belief.insecure || failure === undefined) return undefined;
  return tlsError(belief, failure, error, certificate);
}

/** What was refused after the handshake, or within it. */
export function tlsError(
  { server }: Belief,
  { kind, said }: TlsFailure,
  cause: Error | null,
  certificate?: X509Certificate,
): TlsError {
  const print = certificate && isOfCertificate(kind) ? ` (SHA-256 ${fingerprint(certificate)})` : '';
  return new TlsError(
    isOfCertificate(kind) ? 'ERR_TLS_CERTIFICATE' : 'ERR_TLS',
    `${server}: ${said}${print}`,
    {
      hint: HINTS[kind],
      ...(cause && { cause }),
    },
  );
}

/**
 * The runtime verifies the chain always, and names too, if it was given one to verify. For an address it was given none
 * (that would be sent as SNI, RFC 6066 §3) and takes `localhost`: its verdict on the name then comes after the one on the
 * chain, says that this is good, and is replaced by our own.
 */
function failureOf(
  { name }: Belief,
  completed: boolean,
  error: Error | null,
  certificate: X509Certificate | undefined,
): TlsFailure | undefined {
  const certified = certificate?.subjectAltName;
  const failure = completed && error === null ? undefined : readTlsFailure(error, name, certified);
  if (!parseAddress(name) || (failure && failure.kind !== 'wrong-name')) return failure;
  return certificate?.checkIP(name) === undefined ? wrongName(name, certified) : undefined;
}

function unpinned(belief: Belief, certificate: X509Certificate): TlsError | undefined {
  const seen = createHash('sha256').update(certificate.raw).digest();
  const known = belief.pins.filter((pin) => timingSafeEqual(Buffer.from(pin, 'hex'), seen));
  if (known.length > 0) return undefined;
  return new TlsError(
    'ERR_TLS_CERTIFICATE',
    `${belief.server}: its certificate is none of those pinned, but the one with SHA-256 ${fingerprint(certificate)}`,
    {
      hint: 'if the server has a new certificate, compare this with it there, and pin it; if not, somebody is between',
    },
  );
}

/** As `pin` has it. */
function fingerprint({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(':', '').toLowerCase();
}
