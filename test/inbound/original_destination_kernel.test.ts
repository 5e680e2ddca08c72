import { describe, expect, test } from 'bun:test';
import { formatHostPort } from '../../src/net/address.ts';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';
import type { Report, Task } from './redirected.ts';

const PORT = 1111;
const DUAL_PORT = 1112;
const V4 = '203.0.113.7';
const V6 = '2001:db8:7::9';
const V4_TO_DUAL = '203.0.113.8';

const RULES = `table inet test {
  chain output {
    type nat hook output priority -100;
    ip daddr ${V4} meta l4proto tcp redirect to :${PORT}
    ip6 daddr ${V6} meta l4proto tcp redirect to :${PORT}
    ip daddr ${V4_TO_DUAL} meta l4proto tcp redirect to :${DUAL_PORT}
  }
}`;

const REDIRECTED: Task['targets'] = [80, 443, 65_535, PORT].flatMap((port) => [
  [V4, port],
  [V6, port],
  [V4_TO_DUAL, port],
]);

const DIRECT: Task['targets'] = [
  ['127.0.0.1', PORT],
  ['::1', PORT],
  ['127.1.2.3', DUAL_PORT],
];

/** A namespace that has a route to everywhere, so that the rules get to see the connections. */
async function connected(): Promise<Netns> {
  const ns = await Netns.create('dst');
  await ns.must(['ip', 'addr', 'add', '198.51.100.1/32', 'dev', 'lo']);
  await ns.must(['ip', 'addr', 'add', '2001:db8:1::1/128', 'dev', 'lo', 'nodad']);
  await ns.must(['ip', 'route', 'add', 'default', 'dev', 'lo']);
  await ns.must(['ip', '-6', 'route', 'add', 'default', 'dev', 'lo']);
  return ns;
}

async function report(of: Task['of'], ns: Netns, targets: Task['targets'], rounds: number): Promise<Report> {
  const script = new URL('redirected.ts', import.meta.url).pathname;
  const task: Task = { of, port: PORT, dualPort: DUAL_PORT, targets, rounds };
  const { code, stdout, stderr } = await ns.script(script, [], { stdin: JSON.stringify(task) });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

describeNeeding(['root', 'ip', 'nft'], 'the original destination, from the kernel', () =>
  describe.each(['conntrack', 'pf'] as const)('by %s', (of) => {
    // 60,000 rounds: stale pointers have shown themselves from call 7,000 to 35,000 on, as code is compiled anew.
    test('is what the client connected to, every time', async () => {
      await using ns = await connected();
      await ns.must(['nft', '-f', '-'], { stdin: RULES });
      expect(await report(of, ns, REDIRECTED, 60_000)).toEqual({
        connections: REDIRECTED.map(([host, port]) => [formatHostPort(host, port), false]),
        wrong: 0,
        changed: 0,
        closed: 'EBADF',
      });
    }, 60_000);

    // On macOS what comes from the address that it goes to was never redirected.
    test('is our own listener, or nothing, for a direct connection', async () => {
      await using ns = await connected();
      await ns.must(['nft', '-f', '-'], { stdin: RULES });
      expect((await report(of, ns, DIRECT, 0)).connections).toEqual(
        DIRECT.map(([host, port]) =>
          of === 'pf' && port === PORT ? ['untracked', false] : [formatHostPort(host, port), port === PORT],
        ),
      );
    });

    test('is unknown where the kernel tracks no connections', async () => {
      await using ns = await connected();
      expect((await report(of, ns, DIRECT, 0)).connections).toEqual(DIRECT.map(() => ['untracked', false]));
    });
  }),
);
