/** IPv6 that pf does not bring us: its fallback, and another try on another network. */
import { describe, expect, test } from 'bun:test';
import { at, macForEach, NEXT, PLAN } from './on_mac.ts';

const on = macForEach();

describe('IPv6 that is not caught', () => {
  const V6 = { destination: at('2606:2800::1', 443) };

  test.each([
    ['block', 'blocked', 'new connections over it are refused'],
    ['direct', 'passed', 'go straight out, past the proxy'],
  ] as const)('is left to the fallback %s, aloud', async (ipv6Fallback, fate, words) => {
    const { mac } = on();
    const before = mac.held();
    on().proof = (family) => (family === 6 ? 'missed' : undefined);
    const pf = on().pf({ ipv6Fallback });
    await pf.apply(PLAN);
    expect(on().fate(V6)).toBe(fate);
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().said).toEqual([expect.stringContaining(words)]);
    // It stays so, when the rules are loaded anew and with other ranges, and on another network where it is no different.
    mac.change((state) => delete state.pf.anchors['com.apple/snet']);
    await pf.update(NEXT);
    await pf.verify();
    await pf.verify();
    expect(on().fate(V6)).toBe(fate);
    expect(on().said.filter((line) => line.includes(words))).toHaveLength(1);
    await pf.remove();
    expect(mac.held()).toEqual(before);
  });

  test('is redirected again on a network where it is caught, and not for a look of the watchdog', async () => {
    on().proof = (family) => (family === 6 ? 'missed' : undefined);
    const pf = on().pf();
    await pf.apply(PLAN);
    on().proof = () => undefined;
    await on().clock.pass(30_000);
    expect(on().fate(V6)).toBe('blocked');
    await pf.verify();
    expect(on().fate(V6)).toBe('[::1]:1111');
    await pf.verify();
    expect(on().proofs).toEqual([[4, 6], [6], [6]]);
    expect(on().said.slice(1)).toEqual([expect.stringContaining('pf brings us IPv6 on this network')]);
    await pf.remove();
  });

  test('is found out later, where there was no IPv6 at the start', async () => {
    on().proof = (family) => (family === 6 ? 'no route' : undefined);
    const pf = on().pf();
    await pf.apply(PLAN);
    expect(on().fate(V6)).toBe('[::1]:1111');
    await pf.verify();
    on().proof = (family) => (family === 6 ? 'missed' : undefined);
    await pf.verify();
    expect(on().fate(V6)).toBe('blocked');
    expect(on().proofs).toEqual([[4, 6], [6], [6], [6]]);
    // Another network may be different; as this one is not, nothing is said again.
    await pf.verify();
    expect(on().proofs).toEqual([[4, 6], [6], [6], [6], [6], [6]]);
    expect(on().fate(V6)).toBe('blocked');
    expect(on().said).toHaveLength(1);
    await pf.remove();
  });
});
