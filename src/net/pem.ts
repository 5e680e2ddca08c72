/**
 * Certificates and keys as files have them (RFC 7468), looked at before they are used: what TLS says of one that it can't
 * read would come with the first connection, and would not say which file.
 */
import { createPrivateKey, KeyObject, X509Certificate } from 'node:crypto';

/** What a file has, and what it should have. Nothing of a key is in it. */
export interface PemFault {
  readonly found: string;
  readonly expected: string;
  readonly hint: string | undefined;
}

const AUTHORITIES = 'PEM with one certificate or more';
const CHAIN = "PEM with a certificate, and behind it what that is signed by, up to the authority's";
const KEY = 'PEM with the private key of the certificate';

/** @returns why `pem` can't be the authorities to believe; undefined: it can */
export function checkAuthorities(pem: string): PemFault | undefined {
  return readCertificates(pem, AUTHORITIES).fault;
}

/** @returns why the two can't be a certificate of ours and its key, and which of them is at fault; undefined: they can */
export function checkIdentity(
  certPem: string,
  keyPem: string,
): { readonly at: 'cert' | 'key'; readonly fault: PemFault } | undefined {
  const { first, fault } = readCertificates(certPem, CHAIN);
  if (fault) return { at: 'cert', fault };
  const key = readKey(keyPem);
  if (!(key instanceof KeyObject)) return { at: 'key', fault: key };
  if (first.checkPrivateKey(key)) return undefined;
  const hint = "does the certificate's file begin with another one, e.g. the authority's?";
  return { at: 'key', fault: { found: 'the key of another certificate', expected: KEY, hint } };
}

/** The labels that TLS reads as a certificate. */
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g;

type Certificates =
  | { readonly first: X509Certificate; readonly fault?: undefined }
  | { readonly first?: undefined; readonly fault: PemFault };

function readCertificates(pem: string, expected: string): Certificates {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return { fault: { ...describe(pem), expected } };
  let first: X509Certificate | undefined;
  for (const [at, block] of blocks.entries()) {
    try {
      const certificate = new X509Certificate(block);
      first ??= certificate;
    } catch {
      const which =
        blocks.length === 1
          ? 'a certificate that'
          : `${blocks.length} certificates, of which number ${at + 1}`;
      const hint = 'was it copied with all of its lines?';
      return { fault: { found: `${which} can't be read`, expected, hint } };
    }
  }
  return { first: first! };
}

function readKey(pem: string): KeyObject | PemFault {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(pem)) {
    const hint =
      'there is nobody to ask for its passphrase; openssl pkey -in FILE -out NEW-FILE takes it off';
    return { found: 'an encrypted key', expected: KEY, hint };
  }
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(pem)) return { ...describe(pem), expected: KEY };
  try {
    return createPrivateKey(pem);
  } catch {
    return { found: "a key that can't be read", expected: KEY, hint: 'was it copied with all of its lines?' };
  }
}

/** What there is instead. */
function describe(text: string): { readonly found: string; readonly hint: string | undefined } {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (label !== undefined) return { found: `PEM with a ${label.toLowerCase()} only`, hint: undefined };
  if (text.trim() === '') return { found: 'an empty file', hint: undefined };
  // A SEQUENCE, and bytes that are no text.
  if (/^0[^]*[\ufffd\0]/.test(text)) {
    const hint = 'openssl x509 (or pkey) -inform der -in FILE -out NEW-FILE makes PEM of it';
    return { found: 'a file in DER form', hint };
  }
  return { found: 'no PEM', hint: 'it begins with a line -----BEGIN …-----' };
}
