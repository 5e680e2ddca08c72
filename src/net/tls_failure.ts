/**
 * What the runtime says of a TLS handshake that failed, read for a person. It says so in two forms: `handshake` of its
 * own sockets (Bun 1.4.5), and the errors of node:tls. Both have BoringSSL's words in them.
 */
import { SnetError } from '../base/errors.ts';
import { formatAddress, parseAddress, type Host } from './address.ts';

export type TlsStatus =
  /** No TLS came about, or it was broken off. */
  | 'ERR_TLS'
  /** The far end's certificate is not to be believed. */
  | 'ERR_TLS_CERTIFICATE';

export class TlsError extends SnetError<TlsStatus> {}

export type TlsFailureKind =
  /** The far end closed before TLS was agreed on. */
  | 'closed'
  /** What answers is no TLS. */
  | 'no-tls'
  /** It has no version of TLS that is in use here: 1.2 or 1.3. */
  | 'version'
  /** It refuses us: what we offer, the name that we ask for, or for want of a certificate. */
  | 'refused'
  /** It wants a certificate of ours, or another one. */
  | 'client-certificate'
  /** Anything else within the handshake. */
  | 'other'
  | CertificateFailureKind;

/** TLS came about; the certificate is not to be believed. */
export type CertificateFailureKind =
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-name'
  | 'untrusted'
  | 'bad-certificate';

export interface TlsFailure {
  readonly kind: TlsFailureKind;
  /** To stand behind `label: `. */
  readonly said: string;
}

const CERTIFICATE_FAILURES: ReadonlySet<TlsFailureKind> = new Set<CertificateFailureKind>([
  'expired',
  'not-yet-valid',
  'wrong-name',
  'untrusted',
  'bad-certificate',
]);

/** Of the `error` event of a socket of the runtime: whether TLS failed; else a handler of ours has thrown. */
export function isOfTls(error: Error): boolean {
  return (error as { readonly code?: unknown }).code === 'EPROTO';
}

/** Whether TLS itself came about: only the certificate is in question. */
export function isOfCertificate(kind: TlsFailureKind): kind is CertificateFailureKind {
  return CERTIFICATE_FAILURES.has(kind);
}

/** X509_V_ERR_… of BoringSSL's x509.h, as the runtime names them: `code` of the error. */
const VERDICTS: ReadonlyMap<string, TlsFailure> = new Map(
  Object.entries({
    CERT_HAS_EXPIRED: { kind: 'expired', said: 'its certificate has expired' },
    CERT_NOT_YET_VALID: { kind: 'not-yet-valid', said: 'its certificate is not valid yet' },
    DEPTH_ZERO_SELF_SIGNED_CERT: {
      kind: 'untrusted',
      said: 'its certificate is signed by nobody who is trusted, only by itself',
    },
    ...each(
      'untrusted',
      'its certificate is signed by nobody who is trusted',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'CERT_UNTRUSTED',
    ),
    CERT_REVOKED: { kind: 'bad-certificate', said: 'its certificate was revoked' },
    INVALID_PURPOSE: { kind: 'bad-certificate', said: 'its certificate is not one for servers' },
    ...each(
      'bad-certificate',
      'its certificate, or one that it is signed with, is not as it has to be',
      'UNABLE_TO_GET_CRL',
      'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
      'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
      'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
      'CERT_SIGNATURE_FAILURE',
      'CRL_SIGNATURE_FAILURE',
      'CRL_NOT_YET_VALID',
      'CRL_HAS_EXPIRED',
      'ERROR_IN_CERT_NOT_BEFORE_FIELD',
      'ERROR_IN_CERT_NOT_AFTER_FIELD',
      'ERROR_IN_CRL_LAST_UPDATE_FIELD',
      'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
      'OUT_OF_MEM',
      'CERT_CHAIN_TOO_LONG',
      'INVALID_CA',
      'PATH_LENGTH_EXCEEDED',
      'CERT_REJECTED',
      // The runtime's word for all others, e.g. names that an authority may not sign.
      'UNSPECIFIED',
    ),
  } satisfies Record<string, TlsFailure>),
);

/** TLS alerts (RFC 8446 §6) and BoringSSL's own reasons, from the end of the message. */
const REASONS: ReadonlyMap<string, TlsFailure> = new Map(
  Object.entries({
    ...each('no-tls', 'what answers does not speak TLS', 'WRONG_VERSION_NUMBER', 'HTTP_REQUEST'),
    ...each(
      'version',
      'it speaks only versions of TLS before 1.2',
      'TLSV1_ALERT_PROTOCOL_VERSION',
      'UNSUPPORTED_PROTOCOL',
    ),
    TLSV1_ALERT_CERTIFICATE_REQUIRED: { kind: 'client-certificate', said: 'it wants a certificate of ours' },
    ...each(
      'client-certificate',
      'it does not believe our certificate',
      'TLSV1_ALERT_UNKNOWN_CA',
      'TLSV1_ALERT_ACCESS_DENIED',
      'TLSV1_ALERT_DECRYPT_ERROR',
      'SSLV3_ALERT_BAD_CERTIFICATE',
      'SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
      'SSLV3_ALERT_CERTIFICATE_REVOKED',
      'SSLV3_ALERT_CERTIFICATE_EXPIRED',
      'SSLV3_ALERT_CERTIFICATE_UNKNOWN',
    ),
    TLSV1_ALERT_UNRECOGNIZED_NAME: { kind: 'refused', said: 'it knows nobody of the name it was asked for' },
    TLSV1_ALERT_NO_APPLICATION_PROTOCOL: { kind: 'refused', said: 'it speaks none of the protocols offered' },
    // Of TLS 1.2 also what a missing certificate of ours leads to.
    SSLV3_ALERT_HANDSHAKE_FAILURE: {
      kind: 'refused',
      said: 'it refused the handshake: it allows none of our ciphers, or wants a certificate of ours',
    },
  } satisfies Record<string, TlsFailure>),
);

function each(kind: TlsFailureKind, said: string, ...codes: readonly string[]): Record<string, TlsFailure> {
  return Object.fromEntries(codes.map((code) => [code, { kind, said }]));
}

/**
 * @param error of the handshake, or later of the connection: of TLS 1.3 the far end's judgement on our certificate
 *   comes when for us the handshake is over
 * @param name who the far end has to be
 * @param certified `subjectAltName` of its certificate, if there is one
 */
export function readTlsFailure(error: Error | null, name: Host, certified: string | undefined): TlsFailure {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (code === 'ECONNRESET') return { kind: 'closed', said: 'closed before TLS was agreed on' };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongName(name, certified);
  const verdict = VERDICTS.get(String(code));
  if (verdict) return verdict;
  const reason = /:([A-Z0-9_]+)$/.exec(error?.message ?? '')?.[1];
  const known = REASONS.get(reason ?? '');
  return known ?? { kind: 'other', said: `TLS failed${reason === undefined ? '' : ` (${reason})`}` };
}

export function wrongName(name: Host, certified: string | undefined): TlsFailure {
  return { kind: 'wrong-name', said: `its certificate is not for ${name}, but for ${listed(certified)}` };
}

/** Certificates of large servers have hundreds of names. */
const NAMED = 5;
const LONGEST_NAME = 100;

/** `DNS:a.test, IP Address:0:0:0:0:0:0:0:1` as `a.test, ::1`. The far end chose them: nothing gets through but a line. */
function listed(certified: string | undefined): string {
  if (!certified) return 'no name';
  const names = certified.split(', ').map((entry) => {
    const name = entry.replace(/^(?:DNS|IP Address):/, '').replaceAll(/[^\x20-\x7e]/g, '?');
    const address = parseAddress(name);
    return address ? formatAddress(address) : name.slice(0, LONGEST_NAME);
  });
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
