import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { interfaceIndex } from '../../ffi/interfaces.ts';
import { testNeeding } from '../needs.ts';

testNeeding(['linux'], 'interfaceIndex() is what the kernel says in sysfs', () => {
  const names = readdirSync('/sys/class/net').filter((name) => !name.startsWith('bonding_'));
  expect(names).toContain('lo');
  for (const name of names) {
    const index = Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
    expect([name, interfaceIndex(name)]).toEqual([name, index]);
  }
});

test('every interface that has an address has an index, and that is the scope of its link-local address', () => {
  const all = Object.entries(networkInterfaces());
  expect(all).not.toEqual([]);
  for (const [name, addresses = []] of all) {
    const index = interfaceIndex(name);
    expect(index).toBeGreaterThan(0);
    for (const { scopeid = 0 } of addresses) expect([name, scopeid || index]).toEqual([name, index]);
  }
});

test.each(['', 'none-such', 'lo\0', 'lo '.repeat(1000), 'ä'])('%j is no interface', (name) =>
  expect(interfaceIndex(name)).toBe(0),
);
