/** What bounds a connection: its idle times, and how many there may be. */
import { expect, test } from 'bun:test';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { DEFAULT_GID } from '../../src/config/schema.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { openDescriptors } from '../lab/proc.ts';
import { start, type Program } from '../lab/program.ts';
import { DRIP_MS, PORTS } from '../lab/services.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink, startHalfClosingServer, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const IDLE_MS = 1_000;
const HALF_CLOSED_MS = 700;
const CROWD = 300;
/** Of open files: with it, the fewest connections that are still a crowd. */
const FEW_FILES = 128;

const NEEDS = [
  'root',
  'ip',
  'curl',
  'nc',
  'nft',
  'iptables',
  'ipset',
  'prlimit',
  'setpriv',
  'ss',
  'ss-server',
];

describeNeeding(NEEDS, 'a connection', () => {
  const folder = folderForAll();
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startServer(far));
  });

  const sh = (script: string) => start(internet.client, ['sh', '-c', script]);

  async function impatiently(port: number, body: (snet: Program) => Promise<void>): Promise<void> {
    const timeouts = { idle: `${IDLE_MS}ms`, 'half-closed': `${HALF_CLOSED_MS}ms` };
    const upstream = shareLink(FAR.v4, { ...SERVER, port });
    const file = folder.file('snet.json');
    await writeFile(file, JSON.stringify({ upstream, timeouts, log: { level: 'debug' } }), { mode: 0o600 });
    await beside(internet.client, ['-c', file], body);
  }

  test('that is idle one way and busy the other stays; one idle both ways is ended', () =>
    impatiently(SERVER.port, async (snet) => {
      await using down = start(internet.client, ['nc', ABROAD.v4, String(PORTS.drip)]);
      const busy = folder.file('busy');
      await writeFile(busy, '');
      const talk = `while [ -e ${busy} ]; do echo .; sleep 0.${DRIP_MS}; done`;
      await using up = sh(`${talk} | nc -N ${ABROAD.v6} ${PORTS.discard}`);
      await using idle = start(internet.client, ['nc', ABROAD.v4, String(PORTS.echo)]);
      await idle.ended();
      await snet.says(new RegExp(`status=ERR_IDLE destination=${ABROAD.v4}:${PORTS.echo} `));
      // Three idle times more.
      const dots = down.stdout().length;
      await eventually('more of the busy one', () => down.stdout().length > dots + (3 * IDLE_MS) / DRIP_MS);
      expect(up.running).toBe(true);
      expect(snet.said().match(/flow ended/g)).toHaveLength(1);
      await rm(busy);
      expect(await up.ended()).toBe(0);
    }));

  test('of which one way has ended is given the half-closed time', async () => {
    const port = SERVER.port + 1;
    await using _server = await startHalfClosingServer(internet.far, port);
    await impatiently(port, async (snet) => {
      // The greeter takes no notice of our end.
      await using nc = start(internet.client, ['nc', '-N', ABROAD.v4, String(PORTS.greeter)]);
      await nc.ended();
      expect(nc.stdout()).toStartWith('220 ');
      await snet.says(/status=ERR_HALF_CLOSED /);
    });
  });

  test('too many is refused; the others go on, and so does the listener', () =>
    beside(
      internet.client,
      [shareLink(FAR.v4)],
      async (snet) => {
        const limit = Number((await snet.says(/ limit=(\d+)/))[1]);
        expect(limit).toBeLessThan(FEW_FILES / 2);
        await using crowd = start(internet.client, crowdOfCurl());
        await snet.says(/status=ERR_LIMIT/);
        await eventually('as many as may be', async () => (await established()) === limit);
        expect(openDescriptors(snet.pid)).toBeLessThan(FEW_FILES);
        crowd.signal('SIGKILL');
        await eventually('room for another', curlWorks);
      },
      { under: ['prlimit', `--nofile=${FEW_FILES}:${FEW_FILES}`] },
    ));

  // Each takes one to be accepted and one to go on: with an odd number left, the last gets half of what it needs.
  test.each([10, 11])('that comes when none of %i free descriptors is left fails alone', (free) =>
    beside(internet.client, [shareLink(FAR.v4)], async (snet) => {
      await using steady = start(internet.client, ['nc', ABROAD.v6, String(PORTS.drip)]);
      await steady.says(/\./);
      const enough = Number(/open files +(\d+)/.exec(await readFile(`/proc/${snet.pid}/limits`, 'utf8'))![1]);
      const few = openDescriptors(snet.pid) + free;
      await allowDescriptors(snet.pid, few);
      await using crowd = start(internet.client, crowdOfCurl());
      await eventually('descriptors to run out', () => openDescriptors(snet.pid) >= few - 1);
      const dots = steady.stdout().length;
      await eventually('more of the steady one', () => steady.stdout().length > dots + 5);
      crowd.signal('SIGKILL');
      await allowDescriptors(snet.pid, enough);
      await eventually('service again', curlWorks);
    }),
  );

  async function curlWorks(): Promise<boolean> {
    const { stdout } = await internet.client.run(['curl', '-sS', '-m', '5', url(ABROAD.v4)]);
    return stdout === `${FAR.v4}\n`;
  }

  /** From outside, and after the start: snet keeps to the limit that it knows. The kernel asks for the same group. */
  async function allowDescriptors(pid: number, count: number): Promise<void> {
    const asGroup = ['setpriv', `--regid=${DEFAULT_GID}`, '--clear-groups'];
    await internet.client.must([...asGroup, 'prlimit', '--pid', String(pid), `--nofile=${count}:`]);
  }

  /** How many of the crowd are there, as the origin's side has it. */
  async function established(): Promise<number> {
    const filter = `sport = ${PORTS.drip}`;
    return (await internet.world.must(['ss', '-Htn', 'state', 'established', filter])).split('\n').length - 1;
  }
});

/** One curl with many connections that last: the drip is not HTTP, but a beginning of something. */
function crowdOfCurl(): string[] {
  const parallel = ['-Z', '--parallel-immediate', '--parallel-max', String(CROWD)];
  return [
    'curl',
    '-sS',
    '--http0.9',
    ...parallel,
    '-o',
    '/dev/null',
    url(ABROAD.v4, `[1-${CROWD}]`, PORTS.drip),
  ];
}
