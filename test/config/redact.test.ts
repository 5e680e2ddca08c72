import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { loadText } from '../../src/config/load.ts';
import { REDACTED, withoutLinks } from '../../src/config/links.ts';
import { effective, redacted } from '../../src/config/redact.ts';
import { Secret } from '../../src/base/secret.ts';
import type { UpstreamConfig } from '../../src/config/config.ts';
import { chained } from './upstreams.ts';

const FILE = {
  upstream: {
    type: 'shadowsocks',
    server: 'h.example',
    port: 1,
    method: 'aes-128-gcm',
    password: 'hunter2',
    names: true,
  },
  group: { policy: 'sticky', 'probe-url': 'http://a.example/', 'probe-interval': '1m' },
  'allow-insecure-ciphers': true,
  listen: { port: 2 },
  scope: 'global',
  bypass: ['10.0.0.0/8', '2001:db8::/32', 'a.example'],
  redirect: { mechanism: 'iptables', gid: 7, 'ipv6-fallback': 'direct', 'reload-pf-conf': true },
  dns: {
    port: 3,
    china: ['[2400:3200::1]:5353', { url: 'tls://192.0.2.1#a.example', ca: '/etc/ca.pem' }],
    trusted: ['https://[2001:db8::1]/q#b.example'],
    unknown: 'trusted-only',
    lists: { china: ['/c'], foreign: ['https://example.com/f'], block: [] },
    names: { china: ['c.example'], foreign: ['*.f.example'] },
    local: ['corp.example'],
    hosts: { 'nas.example': ['192.0.2.9', '2001:db8::9'] },
    block: ['*.ads.example'],
    'block-answer': 'zero',
    'refuse-types': { china: ['AAAA'], foreign: ['HTTPS', 'TYPE1234'], unknown: [] },
    strip: ['ech', 'h3'],
    'mix-case': true,
    'upstream-ipv6': false,
    cache: { size: '1MiB', 'min-ttl': '1m', 'max-ttl': '1h', stale: '2h', directory: false },
    log: '/var/log/dns',
  },
  timeouts: { dial: '1s', idle: '2h', 'half-closed': '90s', 'first-data': '0ms' },
  aead: 'noble',
  'max-connections': 9,
  log: { level: 'debug' },
};

const load = (file: object) => loadText({ name: 'f', text: JSON.stringify(file) }).config;

describe('effective', () => {
  test('is the file again, but for the password', () => {
    const shown = effective(load(FILE));
    expect(shown).toEqual({ ...FILE, upstream: { ...FILE.upstream, password: REDACTED } });
  });

  test('can be loaded again, and then says the same', () => {
    const shown = effective(load(FILE));
    expect(effective(load(shown))).toEqual(shown);
  });
});

test('what authorizes us at a resolver is not shown', () => {
  const config = load({ ...FILE, dns: { china: ['https://user:hunter2@192.0.2.1/q#a.example'] } });
  expect(config.dns?.china[0]?.authorization?.reveal()).toBe('user:hunter2');
  expect(JSON.stringify(effective(config))).not.toContain('hunter2');
});

const SECRET = 'Correct-Horse-9';

/** The same, with one text for all that must not be shown. */
function marked(upstream: UpstreamConfig): UpstreamConfig {
  const via = upstream.via && marked(upstream.via);
  const secret = new Secret(SECRET);
  if (upstream.type === 'tls') return { ...upstream, via, token: secret };
  if (upstream.type !== 'shadowsocks') return { ...upstream, via, password: upstream.password && secret };
  const plugin = upstream.plugin && { ...upstream.plugin, options: upstream.plugin.options && SECRET };
  return { ...upstream, via, password: secret, plugin };
}

describe('upstreams of any kind', () => {
  const subscription = { url: new Secret(`https://a.example/${SECRET}`), refresh: 60_000 };
  const config = fc
    .record({
      upstreams: fc.array(chained.map(marked), { minLength: 1, maxLength: 3 }),
      subscriptions: fc.constantFrom([], [subscription]),
    })
    .map((given) => ({ ...load(FILE), ...given }));

  test('show no secret', () => {
    fc.assert(
      fc.property(config, (config) => {
        expect(JSON.stringify(effective(config))).not.toContain('Correct');
      }),
    );
  });

  test('are shown as the file would have them', () => {
    fc.assert(
      fc.property(config, (config) => {
        // What is redacted is neither a key of the right length nor a URL.
        const upstreams = config.upstreams.filter((upstream) => !JSON.stringify(upstream).includes('2022-'));
        fc.pre(upstreams.length > 0);
        const shown = effective({ ...config, upstreams, subscriptions: [] });
        expect(effective(load(shown))).toEqual(shown);
      }),
    );
  });

  test('are a list, if there are several or subscriptions', () => {
    const upstream = [FILE.upstream, 'http://u:hunter2@h:1', { type: 'subscription', url: 'https://a.example/hunter2' }];
    expect(effective(load({ ...FILE, upstream }))['upstream']).toEqual([
      { ...FILE.upstream, password: REDACTED },
      { type: 'http', server: 'h', port: 1, user: 'u', password: REDACTED, names: true, tls: false },
      { type: 'subscription', url: REDACTED, refresh: '12h' },
    ]);
  }); // prettier-ignore
});

describe('redacted', () => {
  test.each([
    { name: 'a key that the schema does not know', value: { token: 'hunter2' } },
    { name: 'such a key deeper down', value: { upstream: { server: 'h', 'obfs-password': 'hunter2' } } },
    { name: 'a share link', value: { upstream: 'ss://aes-128-gcm:hunter2@h:1' } },
    { name: 'share links', value: { upstream: ['http://u:hunter2@h:1'] } },
    { name: 'the share link of a server between', value: { upstream: { type: 'http', via: 'snet+tls://hunter2@h:1' } } },
    { name: 'a token', value: { upstream: { type: 'tls', token: 'hunter2' } } },
    { name: 'a key of another type', value: { upstream: { type: 'http', token: 'hunter2' } } },
    { name: 'all of a type that is none', value: { upstream: { type: 'htp', password: 'hunter2' } } },
    { name: 'the URL of a subscription', value: { upstream: [{ type: 'subscription', url: 'https://h/hunter2' }] } },
    { name: "a plugin's options", value: { upstream: { type: 'shadowsocks', plugin: { program: 'p', options: 'hunter2' } } } },
    { name: 'a plugin as a text', value: { upstream: { type: 'shadowsocks', plugin: 'p;hunter2' } } },
    { name: 'an object of a class', value: { scope: new (class Key { key = 'hunter2'; })() } },
    { name: 'a list where the schema has none', value: { scope: ['hunter2'] } },
  ])('hides $name', ({ value }) => {
    expect(JSON.stringify(redacted(value))).not.toContain('hunter2');
    expect(JSON.stringify(redacted(value))).toContain(REDACTED);
  }); // prettier-ignore

  test('shows nothing of unknown keys, whatever is in them', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(redacted({ unknown: value })).toEqual({ unknown: REDACTED });
      }),
    );
  });
});

test('withoutLinks leaves the scheme of a link, and paths of a stack as they are', () => {
  expect(withoutLinks('at x (file:///a/b.ts:1:2)\nURL ss://aes:hunter2 3@h:1')).toBe(
    `at x (file:///a/b.ts:1:2)\nURL ss://${REDACTED}`,
  );
});
