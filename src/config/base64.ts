/** Base64 as it is met in links and documents: either alphabet of RFC 4648, with or without padding. */

/** Padding of the wrong length is met in the wild, and can't be misread. */
const FORM = /^([A-Za-z0-9+/_-]*)={0,2}$/;

/** @returns undefined unless that is what it is; spaces and line breaks are no part of it */
export function base64Bytes(text: string): Uint8Array | undefined {
  const digits = FORM.exec(text)?.[1];
  if (digits === undefined || digits.length % 4 === 1) return undefined;
  return Buffer.from(digits, 'base64url');
}

/** The text in it; undefined unless it is base64 of UTF-8, of one byte at least. */
export function base64Text(text: string): string | undefined {
  const bytes = text === '' ? undefined : base64Bytes(text);
  try {
    return bytes && new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
