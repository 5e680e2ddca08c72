/**
 * Thousands of connections through snet while its engine collects garbage all the time and overwrites what it frees:
 * memory that C uses and JavaScript has let go of shows up as a crash or as wrong bytes. SNET_SOAK=1 makes it 200,000.
 */
import { expect, test } from 'bun:test';
import { ABROAD, FAR } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { residentKiB } from '../lab/proc.ts';
import { PORTS } from '../lab/services.ts';
import { beside } from '../lab/snet.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const LONG = process.env['SNET_SOAK'] === '1';
const CONNECTIONS = LONG ? 200_000 : 3_000;
const CROWD = new URL('../lab/echo_crowd.ts', import.meta.url).pathname;
const HARSH = { BUN_JSC_collectContinuously: '1', BUN_JSC_scribbleFreeCells: '1' };

describeNeeding(['root', 'ip', 'nft', 'iptables', 'ipset', 'ss-server'], 'a soak', () => {
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startServer(far));
  });

  test.each([
    ['as it is', {}],
    ['under a merciless garbage collector', HARSH],
  ])(
    `of ${CONNECTIONS} connections, %s, gets every byte right`,
    (_, env) =>
      beside(
        internet.client,
        [shareLink(FAR.v4)],
        async (snet) => {
          const crowd = async (count: number) => {
            const { stdout, stderr } = await internet.client.script(CROWD, [
              ABROAD.v4,
              String(PORTS.echo),
              String(count),
            ]);
            expect(stderr).toBe('');
            return JSON.parse(stdout) as unknown;
          };
          expect(await crowd(CONNECTIONS)).toEqual({ right: CONNECTIONS, wrong: 0 });
          const before = residentKiB(snet.pid);
          expect(await crowd(CONNECTIONS)).toEqual({ right: CONNECTIONS, wrong: 0 });
          // As many again cost nothing that stays.
          expect(residentKiB(snet.pid) - before).toBeLessThan(32 * 1024);
        },
        { env },
      ),
    LONG ? 3_600_000 : 60_000,
  );
});
