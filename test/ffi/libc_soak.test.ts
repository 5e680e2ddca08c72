import { describe, expect, test } from 'bun:test';
import { runGuarded } from './run_guarded.ts';

const SOAK = new URL('libc_soak.ts', import.meta.url).pathname;

/** Faults of stale addresses have begun at call 7,000 to 35,000, where hot code is compiled anew. */
const ROUNDS = 100_000;
const MODES: readonly (readonly [string, Record<string, string>])[] = [
  ['as it is', {}],
  [
    'with a collector that never rests and spoils what it frees',
    { BUN_JSC_collectContinuously: '1', BUN_JSC_scribbleFreeCells: '1' },
  ],
  ['compiled at the first call', { BUN_JSC_jitPolicyScale: '0.01' }],
];

describe('the C library gives right answers every time', () => {
  test.each(MODES)(
    '%s',
    async (_, options) => {
      const child = Bun.spawn([process.execPath, SOAK, String(ROUNDS)], {
        stdout: 'pipe',
        stderr: 'pipe',
        env: { ...process.env, ...options },
      });
      const [stdout, stderr, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ rounds: ROUNDS, wrong: {} });
    },
    60_000,
  );

  test('and writes nowhere but where it may', async () => {
    const { code, stdout, places } = await runGuarded([SOAK, '20000']);
    expect({ code, outcome: JSON.parse(stdout) }).toEqual({
      code: 0,
      outcome: { rounds: 20_000, wrong: {} },
    });
    // The cells of sockopt.ts and rlimit.ts, on Linux netlink's buffers and cells, and those of the program itself.
    expect(places).toBeGreaterThanOrEqual(process.platform === 'linux' ? 9 : 6);
  });
});
