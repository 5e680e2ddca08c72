import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { interfaceIndex } from '../../ffi/interfaces.ts';

test('interfaceIndex() is what the kernel says in sysfs', () => {
  const names = readdirSync('/sys/class/net').filter((name) => !name.startsWith('bonding_'));
  expect(names).toContain('lo');
  for (const name of names) {
    const index = Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
    expect([name, interfaceIndex(name)]).toEqual([name, index]);
  }
});

test.each(['', 'none-such', 'lo\0', 'lo '.repeat(1000), 'ä'])('%j is no interface', (name) =>
  expect(interfaceIndex(name)).toBe(0),
);
