/** What comes back on one HTTP/2 stream of DNS over HTTPS (RFC 8484 §4.2). */
import { constants, type ClientHttp2Stream } from 'node:http2';
import { MESSAGE_LIMIT } from '../wire/header.ts';
import { unreachable } from './connection.ts';
import { ExchangeError } from './exchange.ts';

export const MEDIA_TYPE = 'application/dns-message';

/**
 * Reads a response to its end.
 *
 * @param label for messages
 * @param heard is called whenever something comes
 * @returns the body: a DNS message, as far as the server says
 * @throws ExchangeError ERR_DNS_PROTOCOL for any other response, ERR_DNS_UNREACHABLE if it was cut off or refused
 */
export function readResponse(
  stream: ClientHttp2Stream,
  label: string,
  heard: () => void,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const refuse = (what: string) => {
      reject(new ExchangeError('ERR_DNS_PROTOCOL', `${label}: ${what}`));
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const parts: Uint8Array[] = [];
    let length = 0;
    /** What the server says; undefined before it has said anything. */
    let announced: { readonly length: number | undefined } | undefined;
    stream.on('response', (headers) => {
      heard();
      const size = headers[constants.HTTP2_HEADER_CONTENT_LENGTH];
      announced = { length: size === undefined ? undefined : Number(size) };
      const type = String(headers[constants.HTTP2_HEADER_CONTENT_TYPE]);
      if (headers[':status'] !== 200) refuse(`HTTP status ${headers[':status']}`);
      else if (type !== MEDIA_TYPE) refuse(`content of type ${type}, not ${MEDIA_TYPE}`);
    });
    stream.on('data', (part: Uint8Array) => {
      heard();
      length += part.length;
      if (length > MESSAGE_LIMIT) refuse(`a response of more than ${MESSAGE_LIMIT} bytes`);
      else parts.push(part);
    });
    stream.on('error', (error) => reject(unreachable(`${label}: the request was cut off`, error)));
    stream.on('close', () => {
      // A reset looks like an end (Bun 1.4.5: neither `aborted` nor `rstCode`), so that it is the length that tells.
      const isWhole = announced && (announced.length ?? length) === length;
      if (isWhole) resolve(new Uint8Array(Buffer.concat(parts, length)));
      else reject(unreachable(`${label}: the request was cut off`));
    });
  });
}
