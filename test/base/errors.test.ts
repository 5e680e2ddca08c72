import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { explain, SnetError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';

class LayerError extends SnetError<'ERR_ONE' | 'ERR_TWO'> {}

describe('SnetError', () => {
  test('carries status, hint and cause, under the name of its layer', () => {
    const cause = new Error('the cause');
    const error = new LayerError('ERR_ONE', 'what happened', { hint: 'what to do', cause });
    expect(error).toBeInstanceOf(SnetError);
    expect(error).toMatchObject({
      name: 'LayerError',
      status: 'ERR_ONE',
      message: 'what happened',
      hint: 'what to do',
      cause,
    });
  });

  test('has no cause where none was given', () => {
    expect('cause' in new LayerError('ERR_TWO', 'alone')).toBe(false);
  });
});

describe('explain', () => {
  test('tells the message and those of its causes', () => {
    const root = new Error('connect: ECONNREFUSED');
    const middle = new Error('cannot reach 192.0.2.1', { cause: root });
    expect(explain(new LayerError('ERR_ONE', 'no upstream', { cause: middle }))).toBe(
      'no upstream: cannot reach 192.0.2.1: connect: ECONNREFUSED',
    );
  });

  test('says nothing twice', () => {
    const root = new Error('EBADF');
    expect(explain(new Error('close: EBADF', { cause: root }))).toBe('close: EBADF');
  });

  test('ends where causes go round in a circle', () => {
    const a = new Error('a');
    const b = new Error('b', { cause: a });
    a.cause = b;
    expect(explain(a)).toBe('a: b');
  });

  test('names an error without a message', () => {
    expect(explain(new RangeError('', { cause: 'too far' }))).toBe('RangeError: too far');
  });

  test.each([
    ['a string', 'a string'],
    [10n, '10n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [new Secret('hunter2'), '[redacted]'],
    [{ password: new Secret('hunter2') }, '{ password: [redacted] }'],
  ])('takes what was thrown for what it is: %p', (thrown, text) => {
    expect(explain(thrown)).toBe(text);
    expect(explain(new Error('x', { cause: thrown }))).toBe(thrown === undefined ? 'x' : `x: ${text}`);
  });

  test('never throws', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(explain(circular)).toContain('Circular');
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withMap: true }), (thrown) => {
        expect(explain(thrown)).toBeString();
      }),
    );
  });
});
