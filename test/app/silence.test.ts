import { expect, test } from 'bun:test';
import { createSilence } from '../../src/app/silence.ts';

test('is said at the third flow in a row without a byte back, the thirtieth, the three hundredth', () => {
  const silence = createSilence();
  const said = Array.from({ length: 400 }, () => silence.unanswered());
  expect(said.filter((row) => row !== undefined)).toEqual([3, 30, 300]);
});

test('is over with the first byte', () => {
  const silence = createSilence();
  for (let i = 0; i < 10; i++) {
    expect(silence.unanswered()).toBeUndefined();
    expect(silence.unanswered()).toBeUndefined();
    silence.answered();
  }
});
