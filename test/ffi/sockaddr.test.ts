import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { decodeSockaddr, encodeSockaddr, SOCKADDR_SIZE, type SocketAddress } from '../../ffi/sockaddr.ts';

const PLATFORMS = ['linux', 'darwin'] as const;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

const V4: SocketAddress = { family: 4, bytes: Uint8Array.of(192, 0, 2, 1), port: 443, scope: 0 };
const V6: SocketAddress = {
  family: 6,
  bytes: Uint8Array.from(Buffer.from('fe800000000000000123456789abcdef', 'hex')),
  port: 0x1f90,
  scope: 0xff000003,
};

const arbitraryAddress = fc
  .constantFrom(4 as const, 6 as const)
  .chain((family): fc.Arbitrary<SocketAddress> => {
    const size = family === 4 ? 4 : 16;
    return fc.record({
      family: fc.constant(family),
      bytes: fc.uint8Array({ minLength: size, maxLength: size }),
      port: fc.nat(0xffff),
      scope: family === 4 ? fc.constant(0) : fc.nat(0xffffffff),
    });
  });

describe('sockaddr', () => {
  test('has the bytes of <netinet/in.h>', () => {
    // Family (and length), port, address, sin_zero; or flow information, address, scope in host order.
    const zero = '0000000000000000';
    expect(hex(encodeSockaddr(V4, 'linux'))).toBe(`020001bbc0000201${zero}`);
    expect(hex(encodeSockaddr(V4, 'darwin'))).toBe(`100201bbc0000201${zero}`);
    const rest = '1f9000000000fe800000000000000123456789abcdef030000ff';
    expect(hex(encodeSockaddr(V6, 'linux'))).toBe(`0a00${rest}`);
    expect(hex(encodeSockaddr(V6, 'darwin'))).toBe(`1c1e${rest}`);
    expect(SOCKADDR_SIZE).toBe(28);
  });

  test.each(PLATFORMS)('comes back as it was (%s)', (platform) => {
    fc.assert(
      fc.property(arbitraryAddress, (address) => {
        const sockaddr = encodeSockaddr(address, platform);
        const decoded = decodeSockaddr(sockaddr, sockaddr.length, platform)!;
        sockaddr.fill(0xee);
        expect(decoded).toEqual(address);
      }),
    );
  });

  test.each(PLATFORMS)('is undefined for every shorter length (%s)', (platform) => {
    for (const address of [V4, V6]) {
      const sockaddr = encodeSockaddr(address, platform);
      for (let length = 0; length < sockaddr.length; length++) {
        expect(decodeSockaddr(sockaddr, length, platform)).toBeUndefined();
        expect(decodeSockaddr(sockaddr.subarray(0, length), sockaddr.length, platform)).toBeUndefined();
      }
      expect(decodeSockaddr(sockaddr, Number.NaN, platform)).toBeUndefined();
    }
  });

  test.each(PLATFORMS)('is an address of these very bytes or undefined, for any bytes (%s)', (platform) => {
    const header = fc.constantFrom('0200', '1002', '0a00', '1c1e', '1002', '0a01', '101e', '1c02', '0000');
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 40 }), (head, tail) => {
        const junk = Uint8Array.of(...Buffer.from(head, 'hex'), ...tail);
        const decoded = decodeSockaddr(junk, junk.length, platform);
        if (decoded === undefined) return;
        const again = encodeSockaddr(decoded, platform);
        // sin_zero and sin6_flowinfo are nobody's business.
        const ignored = decoded.family === 4 ? [8, 16] : [4, 8];
        const expected = junk.slice(0, again.length).fill(0, ...(ignored as [number, number]));
        expect(hex(again)).toBe(hex(expected));
      }),
      { numRuns: 500 },
    );
  });

  test('of one system is none of the other', () => {
    for (const address of [V4, V6]) {
      expect(decodeSockaddr(encodeSockaddr(address, 'linux'), 28, 'darwin')).toBeUndefined();
      expect(decodeSockaddr(encodeSockaddr(address, 'darwin'), 28, 'linux')).toBeUndefined();
    }
  });

  test.each([
    { ...V4, port: -1 },
    { ...V4, port: 65_536 },
    { ...V4, port: 1.5 },
    { ...V4, port: Number.NaN },
    { ...V4, bytes: new Uint8Array(16) },
    { ...V6, bytes: new Uint8Array(4) },
    { ...V6, bytes: new Uint8Array(0) },
    { ...V6, scope: 2 ** 32 },
    { ...V6, scope: -1 },
  ])('is refused for what no address can be: %j', (address) => {
    expect(() => encodeSockaddr(address)).toThrow(RangeError);
  });
});
