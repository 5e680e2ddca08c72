import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Fault } from '../../src/config/leaf.ts';
import { formatShareLink } from '../../src/config/share_link.ts';
import { SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { parseSubscription } from '../../src/config/subscription.ts';
import { linkable, revealed } from './upstreams.ts';

/** SIP008's own example, but for the methods, which have no authentication there. */
const SIP008 = {
  version: 1,
  servers: [
    {
      id: '27b8a625-4f4b-4428-9f0f-8a2317db7c79',
      remarks: 'Name of the server',
      server: 'example.com',
      server_port: 8388,
      password: 'example',
      method: 'chacha20-ietf-poly1305',
      plugin: 'xxxxx',
      plugin_opts: 'xxxxx',
    },
    {
      id: '7842c068-c667-41f2-8f7d-04feece3cb67',
      remarks: 'Name of the server',
      server: 'example.com',
      server_port: 8388,
      password: 'example',
      method: 'chacha20-ietf-poly1305',
      plugin: 'v2ray-plugin',
      plugin_opts: 'tls',
      custom_field: 1,
    },
  ],
  bytes_used: 274877906944,
  bytes_remaining: 824633720832,
};

const SERVER = { server: 'h.example', server_port: 1, password: 'hunter2', method: 'aes-128-gcm' };
const LINK = 'ss://aes-128-gcm:hunter2@h.example:1';
const PARSED = { type: 'shadowsocks', server: 'h.example', port: 1, method: 'aes-128-gcm', password: 'hunter2', names: false }; // prettier-ignore

const FORM = 'a subscription: a SIP008 document, or share links, in base64 or plain';
const METHODS = `one of ${SHADOWSOCKS_METHODS.join(', ')}`;

const base64 = (text: string) => Buffer.from(text).toString('base64');
const read = (text: string) => revealed(parseSubscription(text, false));
const sip008 = (...servers: unknown[]) => JSON.stringify({ version: 1, servers });

describe('parseSubscription', () => {
  test("reads SIP008's example, but for the server with a program that is no known plugin", () => {
    expect(read(JSON.stringify(SIP008))).toEqual({
      upstreams: [
        {
          type: 'shadowsocks',
          server: 'example.com',
          port: 8388,
          method: 'chacha20-ietf-poly1305',
          password: 'example',
          plugin: { program: 'v2ray-plugin', options: 'tls' },
          tag: 'Name of the server',
          names: false,
        },
      ],
      bad: [
        { number: 1, reason: expect.stringMatching(/^found another program, expected one of obfs-local, /) },
      ],
    });
  });

  const LIST = `# mine\n\n${LINK}#a\r\n  http://u:p@h.example:2 \nvmess://hunter2\nss://aes-128-gcm:hunter2@h.example\n`;
  const OF_LIST = {
    upstreams: [
      { ...PARSED, tag: 'a' },
      { type: 'http', server: 'h.example', port: 2, user: 'u', password: 'p', names: true },
    ],
    bad: [
      {
        number: 5,
        reason: 'found a vmess:// link, expected a share link such as ss://METHOD:PASSWORD@HOST:PORT',
      },
      { number: 6, reason: 'found no port, expected HOST:PORT after the @' },
    ],
  };

  test.each([
    { name: 'plain', text: LIST },
    { name: 'with a byte order mark', text: `\uFEFF${LIST}` },
    { name: 'in base64', text: base64(LIST) },
    { name: 'in base64url', text: Buffer.from(LIST).toString('base64url') },
    { name: 'in base64 without padding', text: base64(LIST).replaceAll('=', '') },
    { name: 'in base64 with line breaks', text: base64(LIST).replace(/.{76}/g, '$&\r\n') },
  ])('reads a list of links, $name', ({ text }) => {
    expect(read(text)).toEqual(OF_LIST);
  });

  test('reads every link that there can be, and none that names a file or a program of this machine', () => {
    fc.assert(
      fc.property(fc.array(linkable, { minLength: 1, maxLength: 5 }), (all) => {
        const list = all.map(formatShareLink).join('\n');
        const known = (program = 'obfs-local') => ['obfs-local', 'v2ray-plugin'].includes(program);
        const isTrusted = all.map((upstream) => {
          if (upstream.type === 'shadowsocks') return known(upstream.plugin?.program);
          if (upstream.type === 'socks5' || upstream.tls === undefined) return true;
          const { ca, cert, insecure, pins } = upstream.tls;
          return ca === undefined && cert === undefined && (!insecure || pins.length > 0);
        });
        const result = parseSubscription(base64(list), true);
        const upstreams = result instanceof Fault ? [] : result.upstreams;
        expect(revealed(upstreams)).toEqual(revealed(all.filter((_, i) => isTrusted[i])));
        if (result instanceof Fault) return;
        expect(result.bad.map(({ number }) => number)).toEqual(
          isTrusted.flatMap((trusted, i) => (trusted ? [] : [i + 1])),
        );
      }),
    );
  });

  test.each([
    { name: 'nothing', text: ' \n', found: 'nothing' },
    { name: 'an HTML page', text: '<!DOCTYPE html><title>hunter2</title>', found: 'an HTML page', hint: 'it may be that of a login, or of an error' },
    { name: 'broken JSON', text: '{"version": 1, hunter2', found: 'JSON that is malformed' },
    { name: 'JSON of another kind', text: '{"outbounds": ["hunter2"]}', found: 'JSON of another kind' },
    { name: 'a list of JSON', text: `[${JSON.stringify(SERVER)}]`, found: 'JSON of another kind' },
    { name: 'a configuration of Clash', text: 'port: 7890\nproxies:\n  - { password: hunter2 }\n', found: 'a configuration of Clash', hint: 'ask the provider for another format' },
    { name: 'text', text: 'hunter2 is no link', found: 'something else' },
    { name: 'base64 of something else', text: base64('hunter2 is no link'), found: 'something else' },
    { name: 'bytes', text: '\u0000\u0001hunter2\u007f', found: 'something else' },
    { name: 'another version', text: '{"version": 2, "servers": []}', expected: 'version 1 of SIP008', found: 'version 2' },
    { name: 'servers that are no list', text: '{"version": 1, "servers": {}}', expected: 'a list of servers', found: 'an object' },
    { name: 'no servers', text: '{"version": 1, "servers": []}', expected: 'at least one upstream', found: 'an empty list' },
    { name: 'no usable link', text: 'vmess://hunter2\ntrojan://hunter2@h:1', expected: 'at least one upstream', found: '2 of which none can be used; number 1: found a vmess:// link, expected a share link such as ss://METHOD:PASSWORD@HOST:PORT' },
  ])('refuses $name', ({ text, expected = FORM, found, hint }) => {
    expect(parseSubscription(text, false)).toEqual(new Fault(expected, { found, hint }));
  }); // prettier-ignore

  const UNUSABLE: readonly { server: unknown; reason: unknown }[] = [
    { server: 'hunter2', reason: 'found "hunter2", expected an object { … }' },
    { server: { ...SERVER, server: 'a..b' }, reason: 'found "a..b", expected a host name or an IP address as server' },
    { server: { ...SERVER, server: undefined }, reason: 'found nothing, expected a host name or an IP address as server' },
    { server: { ...SERVER, server_port: '1' }, reason: 'found "1", expected a port, 1 to 65535, as server_port' },
    { server: { ...SERVER, server_port: 65536 }, reason: 'found 65536, expected a port, 1 to 65535, as server_port' },
    { server: { ...SERVER, method: 'rot13' }, reason: `found an unknown name, expected ${METHODS} as method` },
    { server: { ...SERVER, method: 1 }, reason: 'found 1, expected a text as method' },
    { server: { ...SERVER, method: 'rc4-md5' }, reason: `found rc4-md5, expected ${METHODS}` },
    { server: { ...SERVER, password: '' }, reason: 'found an empty one, expected a text as password' },
    { server: { ...SERVER, password: 31337 }, reason: 'found a number, expected a text as password' },
    { server: { ...SERVER, method: '2022-blake3-aes-128-gcm' }, reason: 'found base64 of 5 bytes, expected base64 of 16 bytes as its key' },
    { server: { ...SERVER, plugin: '/bin/sh' }, reason: expect.stringMatching(/^found another program, expected one of obfs-local, .* as its plugin$/) },
    { server: { ...SERVER, plugin: 'reboot' }, reason: expect.stringMatching(/^found another program, /) },
    { server: { ...SERVER, plugin: './x' }, reason: 'found "./x", expected a program such as "v2ray-plugin", by its name or its absolute path as plugin' },
    { server: { ...SERVER, plugin: 1 }, reason: 'found 1, expected a text as plugin' },
    { server: { ...SERVER, plugin: 'obfs-local', plugin_opts: {} }, reason: 'found something else, expected a text as plugin_opts' },
  ]; // prettier-ignore

  test.each(UNUSABLE)('leaves out a server: $reason; and uses the others', ({ server, reason }) => {
    expect(read(sip008(SERVER, server, SERVER))).toEqual({
      upstreams: [PARSED, PARSED],
      bad: [{ number: 2, reason }],
    });
  });

  test.each([
    { plugin: '', plugin_opts: '' },
    { plugin: null, plugin_opts: null },
    { remarks: '' },
    { remarks: 5 },
  ])('takes %p for nothing', (more) => {
    expect(read(sip008({ ...SERVER, ...more }))).toEqual({ upstreams: [PARSED], bad: [] });
  });

  test('uses stream ciphers only if the file allows it', () => {
    const text = sip008(SERVER, { ...SERVER, method: 'rc4-md5' });
    expect(parseSubscription(text, true)).toMatchObject({ upstreams: [{}, { method: 'rc4-md5' }], bad: [] });
    expect(parseSubscription(text, false)).toMatchObject({ upstreams: [{}], bad: [{ number: 2 }] });
  });

  test.each([
    {
      link: 'snet+tls://t@h:1/?ca=/etc/passwd',
      reason: 'found the path of a file of this machine, expected no paths',
    },
    {
      link: 'https://h:1/?cert=a&key=b',
      reason: 'found the path of a file of this machine, expected no paths',
    },
    {
      link: 'https://h:1/?insecure=1',
      reason: 'found a certificate that nobody checks, expected a pin beside insecure',
    },
    { link: `${LINK}/?plugin=/tmp/hunter2`, reason: expect.stringMatching(/^found another program, /) },
  ])('does not let $link in', ({ link, reason }) => {
    expect(parseSubscription(`${LINK}\n${link}`, true)).toMatchObject({ bad: [{ number: 2, reason }] });
  });

  test('uses the first thousand', () => {
    const result = parseSubscription(`${LINK}\n`.repeat(1001), false);
    expect(result).toMatchObject({
      bad: [{ number: 1001, reason: 'there are 1000 before it, and no more are used' }],
    });
  });

  test('throws nothing and shows no secret, whatever the text', () => {
    const secret = 'Correct-Horse-9';
    const piece = fc.constantFrom(secret, 'ss://', 'snet+tls://', '{"version":1,"servers":[', ']}', '{', '}', '"password":', '"', '@', ':', '\n', 'aes-128-gcm', ','); // prettier-ignore
    fc.assert(
      fc.property(fc.oneof(fc.array(piece).map((all) => all.join('')), fc.string({ unit: 'binary' })), fc.boolean(), (text, encoded) => {
        const result = parseSubscription(encoded ? base64(text) : text, false);
        const said = result instanceof Fault ? result : result.bad;
        expect(JSON.stringify(said)).not.toContain(secret);
      }),
      { numRuns: 500 },
    ); // prettier-ignore
  });

  test('takes a long text of nothing in its stride', () => {
    const text = `x${'\n'.repeat(2_000_000)}y`;
    expect(parseSubscription(text, false)).toBeInstanceOf(Fault);
  });
});
