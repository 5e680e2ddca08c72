import { expect, test } from 'bun:test';

test('100,000 names are cached in at most 40 MB', async () => {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/memory.ts`], { stdout: 'pipe' });
  const { count, grown } = (await new Response(child.stdout).json()) as { count: number; grown: number };
  expect(count).toBe(100_000);
  expect(grown).toBeLessThan(40 << 20);
}, 60_000);
