import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { rcodeName, TYPE, typeName, typeNumber } from '../../../src/dns/wire/constants.ts';

test.each([
  ['A', 1],
  ['aaaa', 28],
  ['Https', TYPE.HTTPS],
  ['any', 255],
  ['TYPE65', 65],
  ['type0', 0],
  ['TYPE65535', 65535],
])('%s is type %d', (text, type) => {
  expect(typeNumber(text)).toBe(type);
});

test.each(['', 'B', '1', 'TYPE', 'TYPE65536', 'TYPE01', 'TYPE-1', 'TYPE1 ', 'constructor', '__proto__'])(
  '%p is no type',
  (text) => {
    expect(typeNumber(text)).toBeUndefined();
  },
);

test('each type is found by its name', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), (type) => {
      expect(typeNumber(typeName(type))).toBe(type);
    }),
  );
  for (const type of Object.values(TYPE)) expect(typeName(type)).not.toStartWith('TYPE');
});

test('what a type or an RCODE without a name is called', () => {
  expect([typeName(28), typeName(65280), rcodeName(3), rcodeName(16), rcodeName(9)]).toEqual([
    'AAAA',
    'TYPE65280',
    'NXDOMAIN',
    'BADVERS',
    'RCODE9',
  ]);
});
