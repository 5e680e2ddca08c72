/** The guardian as the program itself becomes it: `snet __guardian`, in a namespace with sets of two processes. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { DONE, GUARDIAN_ARG, guardOrder, READY } from '../../../src/redirect/guardian/guardian.ts';
import { Netns } from '../../lab/netns.ts';
import { describeNeeding } from '../../needs.ts';

/** No process has pids that large (PID_MAX_LIMIT). */
const [OURS, OTHER] = [4_194_304, 4_194_305];

describeNeeding(['root', 'ip', 'iptables', 'ip6tables', 'ipset'], 'the guardian', () => {
  let ns: Netns;
  beforeEach(async () => {
    ns = await Netns.create('guardian');
    const sets = [OURS, OTHER].map((owner) => `create snet4-${owner} hash:net\n`).join('');
    await ns.must(['ipset', 'restore'], { stdin: sets });
  });
  afterEach(() => ns[Symbol.asyncDispose]());

  const sets = async () => (await ns.must(['ipset', 'list', '-name'])).trim().split('\n').toSorted();
  const BOTH = [`snet4-${OURS}`, `snet4-${OTHER}`];
  const OTHERS = [`snet4-${OTHER}`];

  function start() {
    const child = Bun.spawn(ns.inside(Netns.snet([GUARDIAN_ARG])), {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { PATH: process.env['PATH'] },
    });
    const reader = child.stdout.getReader();
    return {
      pid: child.pid,
      tell: async (text: string) => {
        await child.stdin.write(text);
        await child.stdin.flush();
      },
      hears: async () => new TextDecoder().decode((await reader.read()).value),
      deafen: () => reader.cancel(),
      leave: () => child.stdin.end(),
      ended: async () => ({ code: await child.exited, stderr: await new Response(child.stderr).text() }),
    };
  }
  const QUIETLY = { code: 0, stderr: '' };

  test('takes out what its process has left, and nothing else, when the pipe ends', async () => {
    const guardian = start();
    await guardian.tell(guardOrder(OURS));
    expect(await guardian.hears()).toBe(READY);
    expect(await sets()).toEqual(BOTH);
    await guardian.leave();
    expect(await guardian.ended()).toEqual(QUIETLY);
    expect(await sets()).toEqual(OTHERS);
  });

  test('does nothing when it is told that all is done', async () => {
    const guardian = start();
    await guardian.tell(guardOrder(OURS));
    await guardian.hears();
    await guardian.tell(DONE);
    expect(await guardian.ended()).toEqual(QUIETLY);
    expect(await sets()).toEqual(BOTH);
  });

  test('understands orders in pieces, or all at once', async () => {
    const guardian = start();
    const order = guardOrder(OURS);
    for (const piece of [order.slice(0, 2), order.slice(2, -1), order.slice(-1)]) await guardian.tell(piece);
    expect(await guardian.hears()).toBe(READY);
    await guardian.leave();
    expect(await guardian.ended()).toEqual(QUIETLY);
    expect(await sets()).toEqual(OTHERS);

    const another = start();
    await another.tell(guardOrder(OTHER) + DONE);
    expect(await another.ended()).toEqual(QUIETLY);
    expect(await sets()).toEqual(OTHERS);
  });

  test('has nothing to do without an order', async () => {
    const guardian = start();
    await guardian.leave();
    expect(await guardian.ended()).toEqual(QUIETLY);
    expect(await sets()).toEqual(BOTH);
  });

  test('does not care about signals', async () => {
    const guardian = start();
    await guardian.tell(guardOrder(OURS));
    await guardian.hears();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)
      process.kill(guardian.pid, signal);
    expect(await sets()).toEqual(BOTH);
    await guardian.leave();
    expect(await guardian.ended()).toEqual(QUIETLY);
    expect(await sets()).toEqual(OTHERS);
  });

  test('works even if nobody hears that it is ready', async () => {
    const guardian = start();
    await guardian.deafen();
    await guardian.tell(guardOrder(OURS));
    await guardian.leave();
    expect(await guardian.ended()).toEqual(QUIETLY);
    expect(await sets()).toEqual(OTHERS);
  });
});
