/** One file over https: bounded in size and time, and only if it has changed. */
import { LARGEST_LIST } from '../../dns/lists/read.ts';
import { getDirectly, type Answer, type Get } from './get.ts';
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

export interface DownloadOptions {
  /** What was said of the copy that is there. */
  readonly known?: Validators;
  readonly limits?: Limits;
  /** What messages call the file, where its URL is a secret. */
  readonly name?: string | undefined;
  /** The way there. */
  readonly get?: Get;
}

/** @throws UpdateError */
export async function download(
  url: string,
  { known = {}, limits = LIMITS, name, get = getDirectly }: DownloadOptions = {},
): Promise<Download> {
  const shownAs = name ?? url;
  const abort = new AbortController();
  const timeout = (what: string) =>
    abort.abort(new UpdateError('ERR_UPDATE_TIMEOUT', `${shownAs}: ${what}; given up`));
  const total = setTimeout(timeout, limits.total, `not here after ${limits.total / 1000} s`);
  let idle = setTimeout(timeout, limits.idle, `nothing came for ${limits.idle / 1000} s`);
  try {
    const answer = await follow({ url, name, get }, headersFor(known), abort.signal);
    if (answer.status === 304) return { changed: false };
    if (answer.status !== 200) {
      throw new UpdateError('ERR_UPDATE_HTTP', `${shownAs}: the server answers with ${answer.status}`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      idle = idle.refresh();
      size += chunk.length;
      if (size > limits.size) {
        const shown = `${limits.size / 1024 / 1024} MiB`;
        throw new UpdateError('ERR_UPDATE_TOO_LARGE', `${shownAs}: more than ${shown}; given up`);
      }
      chunks.push(chunk);
    }
    const validators = { etag: answer.header('etag'), lastModified: answer.header('last-modified') };
    return { changed: true, body: Buffer.concat(chunks), validators };
  } catch (cause) {
    const { reason } = abort.signal;
    if (reason instanceof UpdateError) throw reason;
    if (cause instanceof UpdateError) throw cause;
    throw new UpdateError('ERR_UPDATE_UNREACHABLE', `${shownAs} can't be fetched`, { cause });
  } finally {
    clearTimeout(total);
    clearTimeout(idle);
    // Of an answer that is not read to its end the rest must not come.
    abort.abort();
  }
}

function headersFor({ etag, lastModified }: Validators): Headers {
  const headers = new Headers();
  if (etag !== undefined) headers.set('if-none-match', etag);
  if (lastModified !== undefined) headers.set('if-modified-since', lastModified);
  return headers;
}

interface Wanted {
  readonly url: string;
  readonly name: string | undefined;
  readonly get: Get;
}

/** Follows redirections by hand: each must stay with https. */
async function follow(wanted: Wanted, headers: Headers, signal: AbortSignal): Promise<Answer> {
  const { url, name, get } = wanted;
  let at = url;
  for (let count = 0; count <= MOST_REDIRECTS; count++) {
    checkUrl(wanted, at);
    const answer = await get(at, headers, signal);
    const location = answer.header('location');
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
    answer.drop();
    const next = URL.parse(location, at)?.href;
    if (next === undefined)
      throw new UpdateError('ERR_UPDATE_HTTP', `${name ?? url} leads to what is no URL`);
    at = next;
  }
  throw new UpdateError('ERR_UPDATE_HTTP', `${name ?? url}: more than ${MOST_REDIRECTS} redirections`);
}

function checkUrl({ url, name = url }: Wanted, at: string): void {
  const { protocol, username, password } = URL.parse(at) ?? {};
  if (protocol !== 'https:') {
    const place = name === url ? at : 'a place';
    const found = at === url ? 'is no https URL' : `leads to ${place}, which is no https URL`;
    const hint = 'what decides where your traffic goes must not be changed on its way';
    throw new UpdateError('ERR_UPDATE_URL', `${name} ${found}`, { hint });
  }
  if (!username && !password) return;
  const whose = name === url ? 'a list' : name;
  throw new UpdateError('ERR_UPDATE_URL', `${whose}: a URL must not hold a password`);
}
