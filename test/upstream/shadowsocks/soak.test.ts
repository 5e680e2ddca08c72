/** The faults of wrong bun:ffi use show late and elsewhere: this is where they would. `SNET_SOAK=1` for the long form. */
import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLibcrypto } from '../../../ffi/libcrypto.ts';
import { runGuarded } from '../../ffi/run_guarded.ts';

const SCRIPT = new URL('soak.ts', import.meta.url).pathname;
const LONG = process.env['SNET_SOAK'] === '1';
/** Stale addresses were seen from the 7,000th to the 35,000th call on. */
const CALLS = LONG ? 500_000 : 60_000;
const CONNECTIONS = LONG ? 200_000 : 8_000;
const MINUTES = 60_000;

/** The collector runs all the time, beside the program, and fills what it frees with rubbish. */
const RESTLESS = { BUN_JSC_collectContinuously: '1', BUN_JSC_scribbleFreeCells: '1' };

if (!openLibcrypto()) process.stderr.write('SKIPPED: soak: this system has no libcrypto\n');

async function soak(argv: readonly string[], env: Record<string, string> = {}): Promise<unknown> {
  const child = Bun.spawn([...argv, String(CALLS), String(CONNECTIONS)], {
    env: { ...process.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return code === 0 ? JSON.parse(stdout) : { code, signal: child.signalCode, stderr };
}

describe.skipIf(!openLibcrypto())('libcrypto, compared with node:crypto and noble', () => {
  const all = { calls: CALLS, connections: CONNECTIONS };

  test(
    'under a collector that never rests',
    async () => expect(await soak([process.execPath, SCRIPT], RESTLESS)).toEqual(all),
    30 * MINUTES,
  );

  test(
    'bundled and minified',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'snet-soak-'));
      try {
        const built = await Bun.build({ entrypoints: [SCRIPT], target: 'bun', minify: true, outdir: folder });
        expect(await soak([process.execPath, built.outputs[0]!.path], RESTLESS)).toEqual(all);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    30 * MINUTES,
  );

  test('writes nowhere but where it may', async () => {
    const { code, stdout, places } = await runGuarded([SCRIPT, '20000', '2000']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"calls":20000,"connections":2000}\n' });
    // The cell of lengths, a nonce for each cipher, the records and the cells of sealer and opener.
    expect(places).toBeGreaterThanOrEqual(10);
  });

  test.skipIf(!LONG)(
    'compiled',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'snet-soak-'));
      try {
        const outfile = join(folder, 'soak');
        await Bun.build({ entrypoints: [SCRIPT], minify: true, compile: { outfile } });
        expect(await soak([outfile])).toEqual(all);
        expect(await soak([outfile], RESTLESS)).toEqual(all);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    30 * MINUTES,
  );
});
