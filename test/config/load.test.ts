import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { ConfigError } from '../../src/config/error.ts';
import { loadText } from '../../src/config/load.ts';
import { SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { revealed } from './upstreams.ts';

const LINK = 'ss://YWVzLTEyOC1nY206dGVzdA@192.0.2.1:8888';
const METHODS = SHADOWSOCKS_METHODS.join(', ');
const KEYS =
  '$schema, upstream, group, allow-insecure-ciphers, listen, scope, bypass, redirect, dns, timeouts, aead, max-connections, server, log';
const DURATION = 'a duration such as "20ms", "10s", "5m" or "2h"';
const BYPASS = 'a block such as "203.0.113.0/24", an IP address or a host name';

function errorOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** A file with an upstream, and the given members. */
const withUpstream = (members: string) => `{"upstream": "${LINK}",\n${members}}`;

const REFUSED = [
  { name: 'an unknown key', text: withUpstream('"lisen": {}'), message: `f:2:1: lisen: found an unknown key, expected one of ${KEYS}\n  hint: did you mean listen?` },
  { name: 'a key of the Go program', text: withUpstream('"listen-port": 1'), message: `f:2:1: listen-port: found an unknown key, expected one of ${KEYS}\n  hint: here it is listen.port` },
  { name: 'a nested unknown key', text: withUpstream('"listen": {"prt": 1}'), message: 'f:2:12: listen.prt: found an unknown key, expected one of port\n  hint: did you mean port?' },
  { name: 'a port out of range', text: withUpstream('"listen": {"port": 65536}'), message: 'f:2:12: listen.port: found 65536, expected a whole number, 1 to 65535' },
  { name: 'a port in quotes', text: withUpstream('"listen": {"port": "80"}'), message: 'f:2:12: listen.port: found "80", expected a whole number, 1 to 65535\n  hint: write the number without quotes' },
  { name: 'a fraction below the least, once', text: withUpstream('"max-connections": 0.5'), message: 'f:2:1: max-connections: found 0.5, expected a whole number, 1 to 1000000' },
  { name: 'a choice that is none', text: withUpstream('"scope": "globl"'), message: 'f:2:1: scope: found "globl", expected one of "bypass-cn", "global"\n  hint: did you mean global?' },
  { name: 'a bare number as a duration', text: withUpstream('"timeouts": {"dial": 10}'), message: `f:2:14: timeouts.dial: found 10, expected ${DURATION}\n  hint: write "10s" for seconds` },
  { name: 'a duration without a unit', text: withUpstream('"timeouts": {"idle": "10"}'), message: `f:2:14: timeouts.idle: found "10", expected ${DURATION}\n  hint: say the unit: "10s" for seconds` },
  { name: 'a duration of nothing', text: withUpstream('"timeouts": {"idle": "0s"}'), message: `f:2:14: timeouts.idle: found "0s", expected ${DURATION}, at least "1ms"` },
  { name: 'a prefix that is too long', text: withUpstream('"bypass": ["a.example", "10.0.0.0/33"]'), message: `f:2:25: bypass[1]: found "10.0.0.0/33", expected ${BYPASS}\n  hint: a prefix of IPv4 is 0 to 32` },
  { name: 'host bits', text: withUpstream('"bypass": ["10.1.2.3/12"]'), message: 'f:2:12: bypass[0]: found "10.1.2.3/12", expected a block without bits beyond its prefix\n  hint: write "10.0.0.0/12", or "10.1.2.3"' },
  { name: 'a list for an object', text: withUpstream('"log": []'), message: 'f:2:1: log: found a list, expected an object { … }' },
  { name: 'a list as the file', text: '[]', message: 'f: found a list, expected an object { … }' },
  { name: 'an upstream of another kind', text: '{"upstream": 5}', message: 'f:1:2: upstream: found a number, expected a share link such as ss://METHOD:PASSWORD@HOST:PORT or an object { … } or a list of them' },
  { name: 'a link in the wrong place', text: withUpstream(`"scope": "${LINK}"`), message: 'f:2:1: scope: found a link, expected one of "bypass-cn", "global"' },
  { name: 'a password that is no text', text: '{"upstream": {"type": "shadowsocks", "server": "h", "port": 1, "method": "aes-128-gcm", "password": 31337}}', message: 'f:1:89: upstream.password: found a number, expected a text' },
  { name: 'an empty password', text: '{"upstream": {"type": "shadowsocks", "server": "h", "port": 1, "method": "aes-128-gcm", "password": ""}}', message: 'f:1:89: upstream.password: found an empty text, expected a text that is not empty' },
  { name: 'a mistyped method', text: '{"upstream": "ss://aes-128-gmc:hunter2@h:1"}', message: `f:1:2: upstream: found "aes-128-gmc", expected one of ${METHODS} as its method\n  hint: did you mean aes-128-gcm?` },
  { name: 'what is missing', text: '{"upstream": {"type": "shadowsocks", "port": 1, "method": "aes-128-gcm", "password": "x"}}', message: 'f:1:2: upstream.server: found nothing, expected a host name or an IP address' },
  { name: 'no upstream', text: '{}', message: 'f: upstream: found no upstream, expected a share link such as ss://METHOD:PASSWORD@HOST:PORT\n  hint: give it as an argument, in SNET_UPSTREAM, or as "upstream" in the file that -c names' },
  { name: 'a syntax error', text: '{"scope" "global"}', message: 'f:1:10: found a text, expected ":" after the key' },
]; // prettier-ignore

describe('loadText', () => {
  test('fills in the defaults', () => {
    const { config, format, warnings } = loadText({ name: 'f', text: `{"upstream": "${LINK}#a"}` });
    expect(revealed({ ...config, dns: { ...config.dns } })).toEqual({
      upstreams: [{ type: 'shadowsocks', server: '192.0.2.1', port: 8888, method: 'aes-128-gcm', password: 'test', tag: 'a', names: false }],
      subscriptions: [],
      group: { policy: 'failover', probe: { url: 'http://www.gstatic.com/generate_204', interval: 30_000 } },
      allowInsecureCiphers: false,
      port: 1111,
      scope: 'bypass-cn',
      bypass: [],
      redirect: { mechanism: 'auto', gid: 65526, ipv6Fallback: 'block', reloadPfConf: false },
      dns: expect.objectContaining({ port: 1053, unknown: 'race' }),
      timeouts: { dial: 10_000, idle: 600_000, halfClosed: 30_000, firstData: 20 },
      aead: 'auto',
      maxConnections: undefined,
      logLevel: 'info',
    } as never); // prettier-ignore
    expect({ format, warnings }).toEqual({ format: 'snet', warnings: [] });
  });

  test.each(REFUSED)('refuses $name', ({ text, message }) => {
    expect(errorOf(() => loadText({ name: 'f', text })).message).toBe(message);
  });

  test.each([
    { status: 'ERR_CONFIG_SYNTAX', text: '{' },
    { status: 'ERR_CONFIG_VALUE', text: '{"scope": 1}' },
    { status: 'ERR_CONFIG_NO_UPSTREAM', text: '{}' },
    { status: 'ERR_CONFIG_UNSUPPORTED', text: '{"proxy-type": "ssr"}' },
  ])('has the status $status', ({ status, text }) => {
    expect(errorOf(() => loadText({ name: 'f', text })).status).toBe(status as never);
  });

  test('tells every problem at once', () => {
    const text =
      '{"scope": 1, "listen": {"port": 0, "x": 1}, "y": 1, "z": 1, "upstream": {"type": "http", "port": "a", "q": 1}}';
    const { problems } = errorOf(() => loadText({ name: 'f', text }));
    expect(new Set(problems.map(({ key }) => key))).toEqual(
      new Set(['listen.port', 'listen.x', 'scope', 'upstream.port', 'upstream.q', 'upstream.server', 'y', 'z']),
    ); // prettier-ignore
  });

  test('puts overrides over the file, and says whose value is wrong', () => {
    const overrides = [
      { path: ['listen', 'port'], value: 2222, where: '--port' },
      { path: ['bypass'], value: ['10.0.0.0/8'], where: '--bypass' },
    ];
    const text = withUpstream('"listen": {"port": 1}, "bypass": ["a.example"]');
    const { config } = loadText({ name: 'f', text, overrides });
    expect(config.port).toBe(2222);
    expect(config.bypass).toHaveLength(2);
    const wrong = [...overrides, { path: ['bypass'], value: ['10.0.0.0/99'], where: '--bypass' }];
    expect(errorOf(() => loadText({ name: 'f', text, overrides: wrong })).message).toStartWith(
      '--bypass: found "10.0.0.0/99"',
    );
  });

  test('throws nothing but ConfigError, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        expect(() => {
          errorOf(() => loadText({ name: 'f', text }));
        }).not.toThrow();
      }),
    );
  });

  /** Objects with keys that mean something, and values that mostly don't. */
  const keys = ['upstream', 'via', 'tls', 'pin', 'plugin', 'token', 'user', 'url', 'group', 'http-proxy-host', 'tls-token', 'listen', 'port', 'scope', 'bypass', 'timeouts', 'idle', 'log', 'level', 'proxy-type', 'ss2-host', 'ss2-port', 'ss2-passwd', 'type', 'password', 'mode', 'listen-port', 'server', 'method']; // prettier-ignore
  const leaf = fc.oneof(
    fc.constantFrom(
      'ss',
      'ss2',
      'shadowsocks',
      'http',
      'tls',
      'subscription',
      '10s',
      'global',
      LINK,
      'aes-256-gcm',
    ),
    fc.jsonValue(),
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, fc.array(tie('node'), { maxLength: 2 }), fc.dictionary(fc.constantFrom(...keys), tie('node'))),
  })).node; // prettier-ignore

  test('throws nothing but ConfigError, whatever the values', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), tree), (value) => {
        try {
          loadText({ name: 'f', text: JSON.stringify(value) });
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('shows a secret in no message, whatever else is wrong', () => {
    const secret = 'Correct-Horse-9';
    const wrong = fc.constantFrom<unknown>(1, null, [], {}, 'x', undefined);
    const type = fc.constantFrom<unknown>(
      'shadowsocks',
      'http',
      'socks5',
      'tls',
      'subscription',
      1,
      undefined,
    );
    const key = fc.constantFrom('password', 'pasword', 'token', 'url', 'plugin', 'via');
    const old = fc.constantFrom(
      'ss-passwd',
      'ss2-passwd',
      'ss2-key',
      'tls-token',
      'http-proxy-auth-password',
      'socks5-auth-password',
    );
    fc.assert(
      fc.property(wrong, wrong, wrong, type, key, old, (server, port, method, type, key, oldKey) => {
        const upstream = { type, server, port, method, [key]: secret };
        const flat = { 'proxy-type': oldKey.split('-')[0], 'ss2-host': server, 'tls-port': port, [oldKey]: secret };
        const link = `${String(type)}://${secret}`;
        for (const file of [{ upstream }, { upstream: [upstream, link] }, { upstream: { type: 'http', via: upstream } }, flat, { upstream: link, scope: method }]) {
          let error: unknown;
          try { loadText({ name: 'f', text: JSON.stringify(file) }); } catch (thrown) { error = thrown; }
          // A tunnel needs no more than its token: then nothing is wrong.
          if (error === undefined) expect([type, key]).toEqual(['tls', 'token']);
          else expect(Bun.inspect(error) + JSON.stringify((error as ConfigError).problems)).not.toContain(secret);
        }
      }),
      { examples: [['x', 1, undefined, 'tls', 'token', 'ss-passwd']] },
    ); // prettier-ignore
  });
});
