/** Addresses for property tests: any, and those at the edges where arithmetic goes wrong. */
import * as fc from 'fast-check';
import type { Address } from '../../src/net/address.ts';
import type { Cidr } from '../../src/net/cidr.ts';

/** Bytes that make runs of zeros, of ones, and neighbours, likely. */
const byte = fc.oneof(fc.constantFrom(0, 0, 0, 1, 127, 128, 254, 255, 255), fc.nat(255));

export function addressOf(family: 4 | 6): fc.Arbitrary<Address> {
  const size = family === 4 ? 4 : 16;
  const bytes = fc.array(byte, { minLength: size, maxLength: size });
  return bytes.map((bytes) => ({ family, bytes: Uint8Array.from(bytes) }));
}

export const address: fc.Arbitrary<Address> = fc.oneof(addressOf(4), addressOf(6));

export const cidr: fc.Arbitrary<Cidr> = address.chain((address) =>
  fc.record({ address: fc.constant(address), prefix: fc.nat(address.family === 4 ? 32 : 128) }),
);

/** Text made of what addresses are made of: nearly right far more often than random text is. */
export const addressLike: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      '0',
      '1',
      '00',
      '01',
      '9',
      '25',
      '255',
      '256',
      'a',
      'F',
      'ffff',
      'g',
      ':',
      ':',
      '::',
      '.',
      '.',
      '%',
      ' ',
      '/',
      '-',
      '[',
      ']',
      '1.2.3.4',
      '::ffff:',
      '١',
    ),
    { maxLength: 18 },
  )
  .map((parts) => parts.join(''));
