import { expect, test } from 'bun:test';
import { direct } from '../../src/upstream/direct.ts';
import { watchSilence } from '../../src/upstream/silence.ts';
import type { Result } from '../../src/upstream/upstream.ts';
import { ANSWERED, SILENT } from './results.ts';

function watched() {
  const said: number[] = [];
  const clock = { now: 0 };
  const upstream = watchSilence(
    direct,
    (_, { flows }) => said.push(flows),
    () => clock.now,
  );
  return { said, upstream, clock };
}

const of = (target: string): Result => ({ kind: 'silent', began: Infinity, target });

test('is said of three targets in a row without a byte back, then at ten times as many flows, and so on', () => {
  const { said, upstream } = watched();
  for (let i = 0; i < 400; i++) upstream.report(of(`192.0.2.${i}`));
  expect(said).toEqual([3, 30, 300]);
});

test('a target that is dead is not the fault of an upstream that has answered', () => {
  const { said, upstream, clock } = watched();
  upstream.report(ANSWERED);
  clock.now = 60_000;
  for (let i = 0; i < 400; i++) upstream.report(of(`192.0.2.${i % 2}`));
  expect(said).toEqual([]);
});

test('of one through which nothing ever came, ten flows to one target will do', () => {
  const { said, upstream } = watched();
  for (let i = 0; i < 100; i++) upstream.report(of('192.0.2.1'));
  expect(said).toEqual([10, 100]);
});

test('each probe counts as a target', () => {
  const { said, upstream } = watched();
  for (let i = 0; i < 3; i++) upstream.report(SILENT);
  expect(said).toEqual([3]);
});

test('is over with the first byte, and so soon after one nothing is said', () => {
  const { said, upstream, clock } = watched();
  for (let i = 0; i < 10; i++) {
    for (let silent = 0; silent < 2; silent++) upstream.report(SILENT);
    upstream.report(ANSWERED);
  }
  clock.now = 9_999;
  for (let i = 0; i < 5; i++) upstream.report(SILENT);
  expect(said).toEqual([]);
  clock.now = 10_000;
  upstream.report(SILENT);
  expect(said).toEqual([6]);
});

test('what is reported is passed on', () => {
  const kinds: string[] = [];
  const upstream = watchSilence({ ...direct, report: ({ kind }) => kinds.push(kind) }, () => {});
  upstream.report(SILENT);
  upstream.report(ANSWERED);
  expect(kinds).toEqual(['silent', 'answered']);
});
