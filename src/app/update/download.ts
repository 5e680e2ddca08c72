/** One file over https: bounded in size and time, and only if it has changed. */
import { LARGEST_LIST } from '../../dns/lists/read.ts';
import { UpdateError } from './update_error.ts';

/** What a server said of a file, to ask later whether it has changed (RFC 9110 §13.1). */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export type Download =
  | { readonly changed: false }
  | { readonly changed: true; readonly body: Uint8Array; readonly validators: Validators };

export interface Limits {
  /** Bytes, after decompression. */
  readonly size: number;
  /** Milliseconds without a byte. */
  readonly idle: number;
  /** Milliseconds for all of it. */
  readonly total: number;
}

const LIMITS: Limits = { size: LARGEST_LIST, idle: 30_000, total: 600_000 };

const MOST_REDIRECTS = 5;

/**
 * @param known of the copy that is there
 * @param name for messages: a URL may be a secret
 * @throws UpdateError
 */
export async function download(
  url: string,
  known: Validators = {},
  limits = LIMITS,
  name = url,
): Promise<Download> {
  const abort = new AbortController();
  const timeout = (what: string) =>
    abort.abort(new UpdateError('ERR_UPDATE_TIMEOUT', `${name}: ${what}; given up`));
  const total = setTimeout(timeout, limits.total, `not here after ${limits.total / 1000} s`);
  let idle = setTimeout(timeout, limits.idle, `nothing came for ${limits.idle / 1000} s`);
  try {
    const response = await follow(url, known, abort.signal, name);
    if (response.status === 304) return { changed: false };
    if (response.status !== 200) {
      throw new UpdateError('ERR_UPDATE_HTTP', `${name}: the server answers with ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      idle = idle.refresh();
      size += chunk.length;
      if (size > limits.size) {
        const shown = `${limits.size / 1024 / 1024} MiB`;
        throw new UpdateError('ERR_UPDATE_TOO_LARGE', `${name}: more than ${shown}; given up`);
      }
      chunks.push(chunk);
    }
    const { headers } = response;
    const validators = {
      etag: headers.get('etag') ?? undefined,
      lastModified: headers.get('last-modified') ?? undefined,
    };
    return { changed: true, body: Buffer.concat(chunks), validators };
  } catch (cause) {
    const { reason } = abort.signal;
    if (reason instanceof UpdateError) throw reason;
    if (cause instanceof UpdateError) throw cause;
    throw new UpdateError('ERR_UPDATE_UNREACHABLE', `${name} can't be fetched`, { cause });
  } finally {
    clearTimeout(total);
    clearTimeout(idle);
    // Of an answer that is not read to its end the rest must not come.
    abort.abort();
  }
}

/** Follows redirections by hand: each must stay with https. */
async function follow(url: string, known: Validators, signal: AbortSignal, name: string): Promise<Response> {
  const headers = new Headers();
  if (known.etag !== undefined) headers.set('if-none-match', known.etag);
  if (known.lastModified !== undefined) headers.set('if-modified-since', known.lastModified);
  let at = url;
  for (let count = 0; count <= MOST_REDIRECTS; count++) {
    checkUrl(url, at, name);
    // Said, lest NODE_TLS_REJECT_UNAUTHORIZED in somebody's environment turns it off.
    const tls = { rejectUnauthorized: true };
    const response = await fetch(at, { headers, signal, redirect: 'manual', tls });
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    at = new URL(location, at).href;
  }
  throw new UpdateError('ERR_UPDATE_HTTP', `${name}: more than ${MOST_REDIRECTS} redirections`);
}

function checkUrl(url: string, at: string, name: string): void {
  const { protocol, username, password } = URL.parse(at) ?? {};
  if (protocol !== 'https:') {
    const place = name === url ? at : 'a place';
    const found = at === url ? 'is no https URL' : `leads to ${place}, which is no https URL`;
    const hint = 'what decides where your traffic goes must not be changed on its way';
    throw new UpdateError('ERR_UPDATE_URL', `${name} ${found}`, { hint });
  }
  if (username || password) throw new UpdateError('ERR_UPDATE_URL', 'a list URL must not hold a password');
}
