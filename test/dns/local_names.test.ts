import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { isLocal, localNames } from '../../src/dns/local_names.ts';
import { parseAddress, type Address } from '../../src/net/address.ts';
import { parseCidr, type Cidr } from '../../src/net/cidr.ts';
import { contains, rangesOf } from '../../src/net/ranges.ts';

const local = localNames([]);

describe('names', () => {
  test.each(['printer', 'nas.lan', 'mac.local', 'x.home.arpa', 'db.internal', 'site.test', 'ipv4only.arpa'])(
    '%s is local',
    (name) => expect(isLocal(local, name)).toBe(true),
  );

  test.each(['', 'example.com', 'local.example.com', 'wlan.example', 'home.arpa.example', 'arpa.x'])(
    '%j is not',
    (name) => expect(isLocal(local, name)).toBe(false),
  );

  test('suffixes of the configuration, with the dot boundary', () => {
    const own = localNames([{ name: 'office.example', suffix: true }]);
    const names = ['office.example', 'a.office.example', 'backoffice.example'];
    expect(names.map((name) => isLocal(own, name))).toEqual([true, true, false]);
  });

  test("domains of the system's, as they are when it is asked", () => {
    const domains = {
      has: (name: string) => name === 'git.vpn',
      find: () => ({ entry: '*.vpn', source: 0 }),
    };
    const own = localNames([], domains);
    expect(['git.vpn', 'example.com'].map((name) => isLocal(own, name))).toEqual([true, false]);
    expect(['git.vpn', 'nas.lan'].map((name) => own.find(name)?.entry)).toEqual(['*.vpn', '*.lan']);
  });
});

/** RFC 1035 §3.5, RFC 3596 §2.5. */
function reverseName({ family, bytes }: Address): string {
  if (family === 4) return `${[...bytes].toReversed().join('.')}.in-addr.arpa`;
  return `${bytes.toHex().split('').toReversed().join('.')}.ip6.arpa`;
}

describe('who has an address', () => {
  // The same zones, told as blocks.
  const blocks = [
    '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16',
    '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '255.255.255.255/32',
    '::/128', '::1/128', 'fc00::/7', 'fe80::/10', '2001:db8::/32',
  ].map((text): Cidr => parseCidr(text)!); // prettier-ignore
  const ranges = rangesOf(blocks);
  const isPrivate = (address: Address) => contains(address.family === 4 ? ranges.v4 : ranges.v6, address);

  test('every first and last address of a block is asked for at home, those beside it abroad', () => {
    const edges = blocks.flatMap(({ address, prefix }) => {
      const digits = address.bytes.length * 2;
      const first = BigInt(`0x${address.bytes.toHex()}`);
      const size = 1n << BigInt(4 * digits - prefix);
      return [first - 1n, first, first + size - 1n, first + size]
        .filter((value) => value >= 0n && value < 1n << BigInt(4 * digits))
        .map((value): Address => ({ family: address.family, bytes: Uint8Array.fromHex(value.toString(16).padStart(digits, '0')) }));
    }); // prettier-ignore
    expect(edges.filter((address) => isLocal(local, reverseName(address)) !== isPrivate(address))).toEqual(
      [],
    );
  });

  test('any other, too', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes): Address => ({ family: 4, bytes })),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes): Address => ({ family: 6, bytes })),
    );
    fc.assert(
      fc.property(address, (address) => {
        expect(isLocal(local, reverseName(address))).toBe(isPrivate(address));
      }),
    );
  });

  test('the zones themselves', () => {
    expect(isLocal(local, '168.192.in-addr.arpa')).toBe(true);
    expect(isLocal(local, reverseName(parseAddress('8.8.8.8')!))).toBe(false);
    expect(isLocal(local, 'in-addr.arpa')).toBe(false);
  });
});
