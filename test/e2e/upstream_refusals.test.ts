/** What upstreams of each kind refuse: programs are told at once, by a reset; the log has a word for it, and no secret. */
import { describe, expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, url } from '../lab/internet.ts';
import type { Program } from '../lab/program.ts';
import { PORTS } from '../lab/services.ts';
import { KIND_NEEDS, KINDS } from '../lab/upstream_kinds.ts';
import { upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

/** Nobody listens at this port. */
const CLOSED = 4;
/** The far end has no route to it. */
const NOWHERE = '2001:67c:2e8:23::1';
const WRONG = 'hunter2';

const NEEDS = ['root', 'ip', 'bash', 'curl', 'nft', 'ss', 'openssl'];

describeNeeding([...NEEDS, ...KIND_NEEDS], 'an upstream of kind', () => {
  const lab = upstreamsForAll(async ({ internet }) => {
    await internet.far.must(['ip', 'route', 'add', 'unreachable', NOWHERE]);
  });

  describe.each([...KINDS])('$name', (kind) => {
    test('that finds nobody there, or no way, or has rules against it', async () => {
      await using far = await lab.startFar(kind, { forbids: true });
      await lab.withSnet(kind.upstream(lab.identity), async (snet) => {
        const fetched = (page: string) => lab.endOf(snet, () => lab.fetch(page));
        expect(await fetched(url(ABROAD.v6, '', CLOSED))).toEqual(['reset', kind.refused]);
        expect(await fetched(url(NOWHERE))).toEqual(['reset', kind.unreachable]);
        expect(await lab.listen(ABROAD.v6, CLOSED)).toBe('reset');
        expect(await lab.listen(ABROAD.v6, PORTS.farewell)).toBe('well');
        if (kind.forbidden === undefined) return;
        expect(await fetched(url(ABROAD.v4))).toEqual(['reset', kind.forbidden]);
        await eventually('the server to say so', async () => kind.far.forbidden!.test(await far.log()));
      });
    });

    test('that knows another password', async () => {
      await using far = await lab.startFar(kind);
      const fetched = () => lab.fetch(url(ABROAD.v4));
      const seen = lab.internet.seen();
      const body = async (snet: Program) => {
        if (kind.unauthorised) {
          expect(await lab.endOf(snet, fetched)).toEqual(['reset', kind.unauthorised]);
          expect(await lab.listen(ABROAD.v4, PORTS.greeter)).toBe('reset');
        } else {
          // It keeps silent so as to tell a prober nothing: only the idle time ends this. But the log has a suspicion.
          const targets = [ABROAD.v4, ABROAD.v6, NOWHERE];
          const fates = await Promise.all(targets.map((target) => lab.fetch(url(target))));
          expect(fates).toEqual(['reset', 'reset', 'reset']);
          await snet.says(/status=ERR_UPSTREAM_SILENT .*flows=3/);
        }
        expect(snet.said()).not.toContain(WRONG);
      };
      await lab.withSnet(kind.upstream(lab.identity, WRONG), body, { timeouts: { idle: '1s' } });
      const { unauthorised } = kind.far;
      if (unauthorised)
        await eventually('the server to say so', async () => unauthorised.test(await far.log()));
      expect(lab.internet.seen()).toEqual(seen);
    });
  });
});
