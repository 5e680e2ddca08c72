import { describe, expect, test } from 'bun:test';
import { parseAddress } from '../../src/net/address.ts';
import { buildCommands, namespaceOf, ORIGIN, ownerOf, SITE_ADDRESS, SITES } from '../../src/demo/topology.ts';

describe('namespaceOf() and ownerOf()', () => {
  test('the owner is found again in each name', () => {
    for (const site of SITES) expect(ownerOf(namespaceOf(4711, site))).toBe(4711);
  });

  test.each([
    'snet-4711-0-client',
    'snet-demo-4711-mine',
    'snet-demo--client',
    'snet-demo-0-client',
    'my-snet-demo-1-client',
    'snet-demo-1-client2',
  ])('%p is not a namespace of a demo', (name) => {
    expect(ownerOf(name)).toBeUndefined();
  });
});

describe('buildCommands()', () => {
  const commands = buildCommands(4711);
  const text = commands.map(({ argv, stdin = '' }) => `${argv.join(' ')}\n${stdin}`).join('\n');

  test('runs nothing but ip, and names no shell', () => {
    expect(new Set(commands.map(({ argv }) => argv[0]))).toEqual(new Set(['ip']));
  });

  test('changes nothing outside of its own namespaces', () => {
    for (const { argv, stdin = '' } of commands) {
      const named = argv[1] === '-n' ? argv[2] : undefined;
      const added = argv.slice(1, 3).join(' ') === 'netns add' ? argv[3] : undefined;
      if (named !== undefined || added !== undefined) {
        expect(ownerOf((named ?? added)!)).toBe(4711);
        continue;
      }
      // A wire's two ends are made in the namespaces at once: none is ever a device of the machine.
      for (const line of stdin.trim().split('\n')) {
        const [near, far] = [...line.matchAll(/netns (\S+)/g)].map((match) => match[1]!);
        expect(line).toStartWith('link add ');
        expect([ownerOf(near!), ownerOf(far!)]).toEqual([4711, 4711]);
      }
    }
  });

  test('gives every address to somebody', () => {
    for (const { v4, v6 } of [ORIGIN.china, ORIGIN.world, SITE_ADDRESS.client, SITE_ADDRESS.server]) {
      expect(parseAddress(v4)?.family).toBe(4);
      expect(parseAddress(v6)?.family).toBe(6);
      expect(text).toContain(`addr add ${v4}/`);
      expect(text).toContain(`addr add ${v6}/`);
    }
  });
});
