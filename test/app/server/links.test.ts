import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { beliefIn, hostOf, PLACEHOLDER, shareLinksOf } from '../../../src/app/server/links.ts';
import { loadServerText } from '../../../src/config/load_server.ts';
import { parseShareLink } from '../../../src/config/share_link.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { createCertificates, NAME, type Certificates } from '../../dns/exchange/certificates.ts';
import { describeNeeding } from '../../needs.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const USER_KEY = Buffer.alloc(32, 2).toString('base64');

/** As the client's configuration has them. */
function upstreamsOf(listener: object, host: string) {
  const config = loadServerText({ name: 'f', text: JSON.stringify({ server: { listeners: [listener] } }) });
  return shareLinksOf(config, host).map(({ user, link }) => {
    const upstream = parseShareLink(link) as unknown as Record<string, { reveal(): string }>;
    return {
      ...upstream,
      user,
      password: upstream['password']?.reveal(),
      token: upstream['token']?.reveal(),
    };
  });
}

describe('a share link', () => {
  const common = { type: 'shadowsocks', listen: '8388' };

  test('of one password for all', () => {
    const listener = { ...common, method: 'aes-256-gcm', password: 'päss:word/@' };
    expect(upstreamsOf(listener, 'proxy.example')).toMatchObject([
      {
        server: 'proxy.example',
        port: 8388,
        method: 'aes-256-gcm',
        password: 'päss:word/@',
        user: undefined,
      },
    ]);
  });

  test('of each user of a method without identities has the user’s password', () => {
    const users = [
      { name: 'alice', password: 'a' },
      { name: 'bob', password: 'b' },
    ];
    expect(upstreamsOf({ ...common, method: 'aes-128-gcm', users }, '2001:db8::1')).toMatchObject([
      { server: '2001:db8::1', tag: 'alice', password: 'a', user: 'alice' },
      { tag: 'bob', password: 'b' },
    ]);
  });

  test('of a user of a method with identities has the server’s key as well', () => {
    const listener = {
      ...common,
      method: '2022-blake3-aes-256-gcm',
      password: KEY,
      users: [{ name: 'alice', password: USER_KEY }],
    };
    expect(upstreamsOf(listener, '192.0.2.1')).toMatchObject([
      { password: `${KEY}:${USER_KEY}`, tag: 'alice' },
    ]);
  });
});

describeNeeding(['openssl'], 'a share link of the TLS tunnel', () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await createCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());
  const certificate = (kind: 'good' | 'selfSigned') =>
    new X509Certificate(readFileSync(certificates.certificate(kind)));

  test('pins a certificate that nobody has signed', () => {
    const own = certificate('selfSigned');
    const pin = own.fingerprint256.replaceAll(':', '').toLowerCase();
    expect(beliefIn(own, NAME)).toMatchObject({ pins: [pin], sni: undefined, insecure: false });
    const listener = {
      type: 'tls',
      listen: '443',
      cert: certificates.certificate('selfSigned'),
      key: certificates.key('selfSigned'),
      token: 'a token',
    };
    expect(upstreamsOf(listener, '192.0.2.1')).toMatchObject([
      { type: 'tls', server: '192.0.2.1', port: 443, token: 'a token', tls: { pins: [pin] } },
    ]);
  });

  test('has the certificate’s name where the host is another', () => {
    expect(beliefIn(certificate('good'), NAME)).toMatchObject({ pins: [], sni: undefined });
    expect(beliefIn(certificate('good'), '127.0.0.1')).toMatchObject({ pins: [], sni: undefined });
    expect(beliefIn(certificate('good'), '192.0.2.1')).toMatchObject({ pins: [], sni: NAME });
  });
});

describe('the host of a link', () => {
  const local = ['127.0.0.1', '::1', '10.0.0.5', 'fe80::1', '2606:4700::5', '198.41.0.4'].map((text) =>
    parseAddress(text)!,
  );
  const listener = (text?: string) => ({
    type: 'shadowsocks' as const,
    address: text === undefined ? undefined : parseAddress(text)!,
    port: 8388,
    method: 'aes-256-gcm' as const,
    password: undefined,
    users: new Map(),
  });

  test.each([
    ['all addresses', undefined, '198.41.0.4'],
    ['all of IPv4', '0.0.0.0', '198.41.0.4'],
    ['all of IPv6', '::', '2606:4700::5'],
    ['one address', '10.0.0.5', '10.0.0.5'],
  ])('that listens on %s', (_, address, host) => {
    expect(hostOf(listener(address), local)).toBe(host);
  });

  test('that is nowhere public is for a person to say', () => {
    expect(hostOf(listener(), local.slice(0, 4))).toBe(PLACEHOLDER);
  });
});
