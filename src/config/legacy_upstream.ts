/** What a file of the Go program says of its upstream, as the file's own `upstream` says it. */
import { Fault, shown } from './leaf.ts';
import type { Moved } from './legacy_dns.ts';
import { didYouMean } from './nearest.ts';
import { isStreamMethod, parseMethod } from './shadowsocks_methods.ts';

export interface UpstreamTranslation {
  readonly moved: readonly Moved[];
  /** Said of a key of the old file. */
  readonly warnings: readonly { readonly key: string; readonly text: string }[];
  /** Why there is no upstream; undefined: there is one. */
  readonly problem: LegacyProblem | undefined;
}

/** What is wrong with a key of the old file. */
export interface LegacyProblem {
  readonly key: string;
  readonly found: string;
  readonly expected: string;
  readonly hint?: string | undefined;
}

/** A key below `upstream`, and those of the old file that it may come from: the first that is there counts. */
type Field = readonly [field: string, ...keys: string[]];

const proxy = (prefix: string): Field[] => [
  ['server', `${prefix}-host`],
  ['port', `${prefix}-port`],
  ['user', `${prefix}-auth-user`],
  ['password', `${prefix}-auth-password`],
];

/**
 * By proxy-type. `ss-chpier-method` was a typing mistake that became the name; `ss2-password` is what the README wrote
 * where the code read `ss2-passwd`; a key in `ss2-key` counted before either.
 */
const TYPES: ReadonlyMap<string, { readonly type: string; readonly fields: readonly Field[] }> = new Map([
  [
    'ss',
    {
      type: 'shadowsocks',
      fields: [
        ['server', 'ss-host'],
        ['port', 'ss-port'],
        ['method', 'ss-cipher-method', 'ss-chpier-method'],
        ['password', 'ss-passwd'],
      ],
    },
  ],
  [
    'ss2',
    {
      type: 'shadowsocks',
      fields: [
        ['server', 'ss2-host'],
        ['port', 'ss2-port'],
        ['method', 'ss2-cipher-method'],
        ['password', 'ss2-passwd', 'ss2-password'],
      ],
    },
  ],
  ['http', { type: 'http', fields: proxy('http-proxy') }],
  ['socks5', { type: 'socks5', fields: proxy('socks5') }],
  [
    'tls',
    {
      type: 'tls',
      fields: [
        ['server', 'tls-host'],
        ['port', 'tls-port'],
        ['token', 'tls-token'],
      ],
    },
  ],
]);

const KEY = 'ss2-key';

/** The old keys, and what they are called here. */
export const UPSTREAM_NAMES: readonly (readonly [key: string, now: string])[] = [
  [KEY, 'upstream.password, with upstream.raw-key'],
  ...Array.from(TYPES.values(), ({ fields }) =>
    fields.flatMap(([field, ...keys]) => keys.map((key) => [key, `upstream.${field}`] as const)),
  ).flat(),
];

/** @param given the value of a key; undefined if the file doesn't say it, or says Go's zero value */
export function translateUpstream(given: (key: string) => unknown): UpstreamTranslation {
  const name = given('proxy-type');
  const kind = typeof name === 'string' ? TYPES.get(name) : undefined;
  if (given('as-upstream') === true) return { moved: [], warnings: [], problem: asServer(given) };
  if (!kind) return { moved: [], warnings: [], problem: unknownType(name) };
  const warnings: UpstreamTranslation['warnings'][number][] = [];
  const moved: Moved[] = [
    { path: ['upstream'], from: 'proxy-type', value: {} },
    { path: ['upstream', 'type'], from: 'proxy-type', value: kind.type },
  ];
  for (const [field, ...keys] of kind.fields) {
    const hasKey = name === 'ss2' && field === 'password' && given(KEY) !== undefined;
    const [key = keys[0]!, ...others] = [...(hasKey ? [KEY] : []), ...keys].filter(
      (each) => given(each) !== undefined,
    );
    moved.push({ path: ['upstream', field], from: key, value: given(key) });
    if (hasKey) moved.push({ path: ['upstream', 'raw-key'], from: KEY, value: true });
    for (const other of others) warnings.push({ key: other, text: `ignored: ${key} counts` });
  }
  return { moved: [...moved, ...extrasOf(name as string, given)], warnings, problem: undefined };
}

/** What the Go program did without being told to. */
function* extrasOf(name: string, given: (key: string) => unknown): Generator<Moved> {
  switch (name) {
    case 'ss':
    case 'ss2': {
      const [key = ''] = METHOD_KEYS.filter(
        (each) => each.startsWith(`${name}-`) && given(each) !== undefined,
      );
      const method = parseMethod(String(given(key)));
      const isStream = !(method instanceof Fault) && isStreamMethod(method);
      if (isStream) yield { path: ['allow-insecure-ciphers'], from: key, value: true };
      return;
    }
    case 'http':
      // It sent credentials in any case.
      if (given('http-proxy-auth-password') !== undefined && given('http-proxy-auth-user') === undefined) {
        yield { path: ['upstream', 'user'], from: 'http-proxy-auth-user', value: '' };
      }
      return;
    case 'socks5':
      // Without a user it sent no password either.
      if (given('socks5-auth-user') === undefined) {
        yield { path: ['upstream', 'password'], from: 'socks5-auth-password', value: undefined };
      }
      return;
    default:
      // It believed every certificate, and its servers have such that nobody else would.
      yield { path: ['upstream', 'tls'], from: 'proxy-type', value: { insecure: true } };
  }
}

const METHOD_KEYS = ['ss-cipher-method', 'ss-chpier-method', 'ss2-cipher-method'];

function unknownType(name: unknown): LegacyProblem {
  const names = [...TYPES.keys()];
  const hint = typeof name === 'string' ? didYouMean(name, names) : undefined;
  const expected = `one of ${names.map((each) => JSON.stringify(each)).join(', ')}`;
  return { key: 'proxy-type', found: shown(name), expected, hint };
}

/** The far end is no way of the client here, but a command. */
function asServer(given: (key: string) => unknown): LegacyProblem {
  const word = (key: string, otherwise: string) => {
    const value = given(key);
    return typeof value === 'string' && /^[\w./:[\]-]+$/.test(value) ? value : otherwise;
  };
  const listen = word('upstream-tls-server-listen', 'ADDRESS:PORT');
  const cert = word('upstream-tls-server-crt', 'CERTIFICATE');
  const key = word('upstream-tls-server-key', 'KEY');
  return {
    key: 'as-upstream',
    found: 'true',
    expected: 'false',
    hint:
      'the far end is a command, snet server -c FILE, and the file says ' +
      `{ "server": { "listeners": [{ "type": "tls", "listen": "${listen}", "cert": "${cert}", "key": "${key}", ` +
      '"token": "TOKEN" }] } }',
  };
}
