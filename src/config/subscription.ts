/**
 * What a subscription's document says: a SIP008 document, or share links, one a line, in base64 or plain. It comes from
 * the net, and is trusted with where connections go, but with nothing of this machine: see {@link trusted}.
 */
import { base64Text } from './base64.ts';
import type { UpstreamConfig } from './config.ts';
import { Fault } from './leaf.ts';
import { wellKnown } from './plugin.ts';
import { parseShareLink } from './share_link.ts';
import { isStreamMethod, refuseStream } from './shadowsocks_methods.ts';
import { isSip008, sip008Servers } from './sip008.ts';

export interface Subscription {
  /** In the order of the document. At least one. */
  readonly upstreams: readonly UpstreamConfig[];
  readonly bad: readonly BadEntry[];
}

/** An entry that is left out. */
export interface BadEntry {
  /** Which: the line, or of a SIP008 document the server. From 1. */
  readonly number: number;
  /** For a person, on one line. No secret. */
  readonly reason: string;
}

const FORM = 'a subscription: a SIP008 document, or share links, in base64 or plain';

/** No provider has as many; each of them is asked from time to time whether it works. */
const MOST = 1000;

/** @param allowInsecureCiphers may methods without authentication be used? */
export function parseSubscription(text: string, allowInsecureCiphers: boolean): Subscription | Fault {
  const entries = entriesOf(text.replace(/^\uFEFF/, '').trim());
  if (entries instanceof Fault) return entries;
  const upstreams: UpstreamConfig[] = [];
  const bad: BadEntry[] = [];
  for (const { number, value } of entries) {
    const upstream = value instanceof Fault ? value : trusted(value, allowInsecureCiphers);
    if (upstream instanceof Fault) bad.push({ number, reason: reasonOf(upstream) });
    else if (upstreams.length < MOST) upstreams.push(upstream);
    else bad.push({ number, reason: `there are ${MOST} before it, and no more are used` });
  }
  if (upstreams.length > 0) return { upstreams, bad };
  const [first] = bad;
  const found = first
    ? `${bad.length} of which none can be used; number ${first.number}: ${first.reason}`
    : 'an empty list';
  return new Fault('at least one upstream', { found });
}

interface Entry {
  readonly number: number;
  readonly value: UpstreamConfig | Fault;
}

function entriesOf(text: string): readonly Entry[] | Fault {
  if (text === '') return new Fault(FORM, { found: 'nothing' });
  if (text.startsWith('<')) {
    return new Fault(FORM, { found: 'an HTML page', hint: 'it may be that of a login, or of an error' });
  }
  if (/^[[{]/.test(text)) return entriesOfJson(text);
  const lines = isLinks(text) ? text : base64Text(text.replace(/\s+/g, ''));
  if (lines !== undefined && isLinks(lines)) return entriesOfLinks(lines);
  const isClash = /^(?:proxies|proxy-providers|proxy-groups|mixed-port|port):/m.test(lines ?? text);
  if (!isClash) return new Fault(FORM, { found: 'something else' });
  return new Fault(FORM, { found: 'a configuration of Clash', hint: 'ask the provider for another format' });
}

function isLinks(text: string): boolean {
  return /^[ \t]*[a-z][a-z0-9+.-]*:\/\//im.test(text);
}

function entriesOfLinks(text: string): Entry[] {
  return text
    .split('\n')
    .map((line, i) => ({ number: i + 1, line: line.trim() }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ number, line }) => ({ number, value: parseShareLink(line) }));
}

function entriesOfJson(text: string): Entry[] | Fault {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Fault(FORM, { found: 'JSON that is malformed' });
  }
  if (!isSip008(value)) return new Fault(FORM, { found: 'JSON of another kind' });
  const servers = sip008Servers(value);
  if (servers instanceof Fault) return servers;
  return servers.map((server, i) => ({ number: i + 1, value: server }));
}

/**
 * What a document from the net may ask for: no program but a known plugin, no file of this machine, no server that
 * anybody could pretend to be.
 */
function trusted(upstream: UpstreamConfig, allowInsecureCiphers: boolean): UpstreamConfig | Fault {
  if (upstream.type === 'shadowsocks') {
    const plugin = upstream.plugin && wellKnown(upstream.plugin);
    if (plugin instanceof Fault) return plugin;
    const isRefused = !allowInsecureCiphers && isStreamMethod(upstream.method);
    return isRefused ? refuseStream(upstream.method) : upstream;
  }
  const tls = 'tls' in upstream ? upstream.tls : undefined;
  if (tls?.ca ?? tls?.cert ?? tls?.key) {
    return new Fault('no paths', { found: 'the path of a file of this machine' });
  }
  if (tls?.insecure && tls.pins.length === 0) {
    return new Fault('a pin beside insecure', { found: 'a certificate that nobody checks' });
  }
  return upstream;
}

function reasonOf({ expected, found = 'something else' }: Fault): string {
  return `found ${found}, expected ${expected}`;
}
