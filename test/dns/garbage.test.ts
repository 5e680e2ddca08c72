import { afterEach, beforeEach, expect, jest, test } from 'bun:test';
import { createTidying } from '../../src/dns/garbage.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function tidying() {
  const state = { collected: 0 };
  const asked = createTidying(() => void state.collected++);
  const ask = (count: number) => {
    for (let i = 0; i < count; i++) asked();
  };
  return { state, ask };
}

test('in a flood, after so many', () => {
  const { state, ask } = tidying();
  ask(1_999);
  expect(state.collected).toBe(0);
  ask(1);
  expect(state.collected).toBe(1);
  ask(6_000);
  expect(state.collected).toBe(4);
});

test('after a flood, once it is quiet', () => {
  const { state, ask } = tidying();
  ask(400);
  for (let second = 0; second < 5; second++) {
    jest.advanceTimersByTime(900);
    ask(100);
    jest.advanceTimersByTime(100);
    expect(state.collected).toBe(0);
  }
  jest.advanceTimersByTime(1_000);
  expect(state.collected).toBe(1);
  jest.advanceTimersByTime(60_000);
  expect(state.collected).toBe(1);
});

test('never for a few', () => {
  const { state, ask } = tidying();
  ask(299);
  jest.advanceTimersByTime(60_000);
  expect(state.collected).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});
