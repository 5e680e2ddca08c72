import { expect, test } from 'bun:test';
import { direct } from '../../src/upstream/direct.ts';
import { watchSilence } from '../../src/upstream/silence.ts';
import { ANSWERED, SILENT } from './results.ts';

function watched() {
  const said: number[] = [];
  const upstream = watchSilence(direct, (_, row) => said.push(row));
  return { said, upstream };
}

test('is said at the third flow in a row without a byte back, the thirtieth, the three hundredth', () => {
  const { said, upstream } = watched();
  for (let i = 0; i < 400; i++) upstream.report(SILENT);
  expect(said).toEqual([3, 30, 300]);
});

test('is over with the first byte', () => {
  const { said, upstream } = watched();
  for (let i = 0; i < 10; i++) {
    upstream.report(SILENT);
    upstream.report(SILENT);
    upstream.report(ANSWERED);
  }
  expect(said).toEqual([]);
});

test('what is reported is passed on', () => {
  const kinds: string[] = [];
  const upstream = watchSilence({ ...direct, report: ({ kind }) => kinds.push(kind) }, () => {});
  upstream.report(SILENT);
  upstream.report(ANSWERED);
  expect(kinds).toEqual(['silent', 'answered']);
});
