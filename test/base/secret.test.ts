import { expect, test } from 'bun:test';
import { inspect } from 'node:util';
import { Secret } from '../../src/base/secret.ts';

const secret = new Secret('hunter2');

test('a secret is told to who asks for it', () => {
  expect(secret.reveal()).toBe('hunter2');
});

test.each([
  ['String', () => String(secret)],
  ['a template', () => `<${secret as unknown as string}>`],
  ['concatenation', () => 'x' + (secret as unknown as string)],
  ['join', () => [secret].join()],
  ['JSON', () => JSON.stringify({ secret, list: [secret] })],
  ['inspect', () => inspect({ secret }, { showHidden: true, depth: null })],
  ['Bun.inspect', () => Bun.inspect({ secret, map: new Map([[secret, secret]]) })],
  ['its keys', () => Reflect.ownKeys(secret).join() + '[redacted]'],
  ['an error', () => inspect(new Error('x', { cause: { secret } }))],
  ['a copy', () => JSON.stringify([Object.assign({}, secret), structuredClone(secret)]) + '[redacted]'],
])('it does not leak by %s', (_, shown) => {
  expect(shown()).not.toContain('hunter2');
  expect(shown()).toContain('[redacted]');
});
