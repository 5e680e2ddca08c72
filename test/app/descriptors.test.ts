import { expect, test } from 'bun:test';
import { flowLimit } from '../../src/app/descriptors.ts';
import { loadText } from '../../src/config/load.ts';

const load = (file: object) =>
  loadText({ name: 'f', text: JSON.stringify({ upstream: 'ss://aes-128-gcm:x@192.0.2.1:1', ...file }) })
    .config;
const PLAIN = load({ dns: false });
const WITH_DNS = load({});

test('flows have two descriptors each, of those that nothing else needs', () => {
  expect(flowLimit(1024, PLAIN)).toBe(480);
  expect(flowLimit(1, PLAIN)).toBe(1);
});

test('the resolver has its own', () => {
  // Two China resolvers and the system's.
  const reserved = 64 + 256 + 3 * 512;
  expect(flowLimit(100_000, WITH_DNS)).toBe((100_000 - reserved) / 2);
  // Where there are few, they share.
  expect(flowLimit(1024, WITH_DNS)).toBe(240);
});

test('the configuration may allow fewer, not more', () => {
  expect(flowLimit(1024, { ...PLAIN, maxConnections: 7 })).toBe(7);
  expect(flowLimit(1024, { ...PLAIN, maxConnections: 7000 })).toBe(480);
});
