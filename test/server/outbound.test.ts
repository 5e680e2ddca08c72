import { describe, expect, test } from 'bun:test';
import { createPrivateCheck } from '../../src/app/server/private.ts';
import { isOwnEndpoint } from '../../src/app/server/own_endpoints.ts';
import { parseAddress } from '../../src/net/address.ts';
import { refusedEndpoint, refusedPort, type OutboundRules } from '../../src/server/outbound.ts';

const OWN = ['203.0.113.5', '2606:4700::5'];

const rules: OutboundRules = {
  ports: [
    { first: 80, last: 80 },
    { first: 1024, last: 65535 },
  ],
  allowPrivate: false,
  isPrivate: createPrivateCheck(),
  isOwn: (endpoint) => isOwnEndpoint(new Set([8388]), endpoint, () => OWN.map((one) => parseAddress(one)!)),
};

const judge = (address: string, port = 80, allowPrivate = false) =>
  refusedEndpoint({ ...rules, allowPrivate }, { address: parseAddress(address)!, port });

describe('the outbound policy', () => {
  test.each(['8.8.8.8', '193.0.6.139', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'])(
    'lets clients go to %s',
    (address) => expect(judge(address)).toBeUndefined(),
  );

  test.each([
    ['loopback', '127.0.0.1'],
    ['all of loopback', '127.255.0.9'],
    ['this machine, unspecified', '0.0.0.0'],
    ['a private network', '10.1.2.3'],
    ['another', '172.16.0.1'],
    ['a third', '192.168.1.1'],
    ['a cloud’s metadata', '169.254.169.254'],
    ['a carrier’s network', '100.64.0.1'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 loopback', '::1'],
    ['IPv6 unspecified', '::'],
    ['a unique local address', 'fd00::1'],
    ['a link-local address', 'fe80::1'],
    ['loopback as mapped IPv6', '::ffff:127.0.0.1'],
    ['a private network as mapped IPv6', '::ffff:10.0.0.1'],
    ['loopback behind NAT64', '64:ff9b::127.0.0.1'],
    ['a private network behind NAT64', '64:ff9b::192.168.1.1'],
    ['NAT64 of a network of its own', '64:ff9b:1::10.0.0.1'],
    ['6to4 of a private network', '2002:c0a8:101::1'],
    ['Teredo', '2001::1'],
  ])('refuses %s, %s, unless that is allowed', (_, address) => {
    expect(judge(address)).toBe('private');
    expect(judge(address, 80, true)).toBeUndefined();
  });

  test('refuses ports that are not listed, whatever the address', () => {
    expect([79, 80, 81, 1023, 1024, 65535].map((port) => refusedPort(rules, port))).toEqual([
      'port',
      undefined,
      'port',
      'port',
      undefined,
      undefined,
    ]);
    expect(judge('8.8.8.8', 25)).toBe('port');
  });

  test.each([...OWN, '127.0.0.1', '127.0.0.2', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1'])(
    'refuses itself at %s, whatever is allowed',
    (address) => {
      const local = address === '::1' ? [...OWN, '::1'] : OWN;
      const isOwn: OutboundRules['isOwn'] = (endpoint) =>
        isOwnEndpoint(new Set([8388]), endpoint, () => local.map((one) => parseAddress(one)!));
      const endpoint = { address: parseAddress(address)!, port: 8388 };
      expect(refusedEndpoint({ ...rules, allowPrivate: true, isOwn }, endpoint)).toBe('own');
      expect(
        refusedEndpoint({ ...rules, allowPrivate: true, isOwn }, { ...endpoint, port: 8389 }),
      ).toBeUndefined();
    },
  );
});
