/** Links in text that somebody else has written: they may have a password in them. */
export const REDACTED = '[redacted]';

/** A text whose links have lost all but their scheme: for messages that somebody else has written. Paths stay. */
export function withoutLinks(text: string): string {
  return text.replace(/\b(?!file:)([a-z][a-z0-9+.-]*:\/\/)[^\n]+/gi, `$1${REDACTED}`);
}
