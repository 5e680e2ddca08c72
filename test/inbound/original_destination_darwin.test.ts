import { describe, expect, test } from 'bun:test';
import { errnoOf, SystemError } from '../../ffi/errno.ts';
import { SnetError } from '../../src/base/errors.ts';
import { line, silent, type Log } from '../../src/base/log.ts';
import { missingProgram, type Finished, type Runner } from '../../src/base/runner.ts';
import { systemPf, type PfDevice } from '../../src/inbound/natlook/pf_device.ts';
import { openOriginalDestinations } from '../../src/inbound/original_destination_darwin.ts';
import { formatEndpoint, parseAddress, type Endpoint } from '../../src/net/address.ts';
import { descriptor } from '../../src/net/socket.ts';
import { testNeeding } from '../needs.ts';
import { FAULTS, fail, fakePf, WORKS, WRITES_ELSEWHERE, type Answer, type Errno } from './natlook/fake_pf.ts';

/** What the self-test asks. */
const NOBODY = '127.0.0.1 1 to 127.0.0.1 1';

const to = (text: string, port: number) => ({ ...parseAddress(text)!, port });
const noRunner: Runner = {
  run: () => Promise.reject(new Error('no program is needed')),
  start: () => {
    throw new Error('no program is needed');
  },
};
const printing = (...tables: (Partial<Finished> | Promise<Partial<Finished>>)[]) => {
  const runs: string[] = [];
  const runner: Runner = {
    ...noRunner,
    async run(argv) {
      runs.push(argv.join(' '));
      return { code: 0, stdout: '', stderr: '', ...(await tables[Math.min(runs.length, tables.length) - 1]) };
    },
  };
  return { runner, runs };
};

function recorded(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const note =
    (level: string) =>
    (...event: Parameters<Log['info']>) =>
      void lines.push(`${level} ${line(...event)}`);
  return { lines, log: { ...silent, info: note('info'), warn: note('warn') } };
}

async function errorOf(attempt: Promise<unknown> | (() => unknown)): Promise<SnetError | SystemError> {
  try {
    await (typeof attempt === 'function' ? attempt() : attempt);
  } catch (error) {
    if (error instanceof SnetError || error instanceof SystemError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** A connection to our listener: the socket as it was accepted, and how pf's state table names its ends. */
async function connected(hostname: string) {
  const accepted = Promise.withResolvers<Bun.Socket>();
  const server = Bun.listen({ hostname, port: 0, socket: { open: accepted.resolve, data() {} } });
  const client = await Bun.connect({ hostname, port: server.port, socket: { data() {} } });
  const near = await accepted.promise;
  return {
    fd: descriptor(near),
    client: client.localPort,
    local: server.port,
    question: `${hostname} ${client.localPort} to ${hostname} ${server.port}`,
    [Symbol.dispose]() {
      client.terminate();
      near.terminate();
      server.stop(true);
    },
  };
}

const text = (endpoint: Endpoint | undefined) => endpoint && formatEndpoint(endpoint);
const nothing = () => 'ENOENT' as const;

describe('openOriginalDestinations()', () => {
  test('asks by ioctl where that gets through, and says so in one line', async () => {
    const { log, lines } = recorded();
    const pf = fakePf(nothing);
    const destinations = await openOriginalDestinations({ runner: noRunner, log, pf });
    expect({ method: destinations.method, lines, asked: pf.asked }).toEqual({
      method: 'ioctl',
      lines: ['info original destinations are asked of pf by=ioctl'],
      asked: [NOBODY],
    });
    expect(pf.opened()).toBe(1);
    destinations.close();
    destinations.close();
    expect(pf.opened()).toBe(0);
  });

  test.each([
    ['writes elsewhere', WRITES_ELSEWHERE, 'ioctl: it said -1 of 515 bytes'],
    ['faults', FAULTS, 'ioctl: ioctl: EFAULT'],
  ])('asks by the system call where ioctl %s', async (_, broken, why) => {
    const { log, lines } = recorded();
    const pf = fakePf(nothing, [
      { name: 'ioctl', ioctl: broken },
      { name: '__ioctl', ioctl: WORKS },
    ]);
    const destinations = await openOriginalDestinations({ runner: noRunner, log, pf });
    expect(destinations.method).toBe('__ioctl');
    expect(lines).toEqual([`info original destinations are asked of pf by=__ioctl why="${why}"`]);
    destinations.close();
  });

  // From the layers above pf, from pf for readers, from pf for writers: a struct of another size has another number.
  test.each<Errno>(['ENOTTY', 'EACCES', 'ENODEV', 'EFAULT', 'EINVAL'])(
    'reads what pfctl prints where DIOCNATLOOK ends in %s',
    async (errno) => {
      const { log, lines } = recorded();
      const pf = fakePf(
        () => errno,
        [
          { name: 'ioctl', ioctl: WORKS },
          { name: '__ioctl', ioctl: WRITES_ELSEWHERE },
        ],
      );
      const { runner, runs } = printing({});
      const destinations = await openOriginalDestinations({ runner, log, pf });
      expect(destinations.method).toBe('pfctl');
      expect(runs).toEqual(['pfctl -s state']);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toStartWith('warn original destinations are read from what pfctl prints');
      expect(lines[0]).toContain(errno);
      expect(lines[0]).toContain('__ioctl: it said -1 of 515 bytes');
      expect(pf.opened()).toBe(0);
      destinations.close();
    },
  );

  test.each<[what: string, answer: Answer]>([
    ['is one', to('192.0.2.1', 80)],
    ['are two', 'E2BIG'],
  ])('does not mind if there %s between the ends that it makes up', async (_, answer) => {
    const destinations = await openOriginalDestinations({
      runner: noRunner,
      log: silent,
      pf: fakePf(() => answer),
    });
    expect(destinations.method).toBe('ioctl');
    destinations.close();
  });

  test('fails where pf refuses us, whatever else there is', async () => {
    const pf = fakePf(() => 'EPERM');
    const error = await errorOf(openOriginalDestinations({ runner: noRunner, log: silent, pf }));
    expect(error).toMatchObject({ status: 'ERR_PF_PERMISSION' });
    expect((error as SnetError).hint).toContain('sudo');
    expect(pf.opened()).toBe(0);
  });

  test.each([
    ['EACCES', 'ERR_PF_PERMISSION', /sudo.*MDM/],
    ['EPERM', 'ERR_PF_PERMISSION', /sudo.*MDM/],
    ['ENOENT', 'ERR_PF_UNAVAILABLE', /pfctl -s info/],
    ['ENXIO', 'ERR_PF_UNAVAILABLE', /pfctl -s info/],
  ] as const)('fails where pf can not be opened: %s', async (errno, status, hint) => {
    const pf: PfDevice = { ...fakePf(nothing), open: () => fail(errno) };
    const error = await errorOf(openOriginalDestinations({ runner: noRunner, log: silent, pf }));
    expect(error).toMatchObject({ status, cause: { code: errno } });
    expect((error as SnetError).hint).toMatch(hint);
    expect(error.message).toStartWith("/dev/pf can't be opened");
  });

  testNeeding(['linux'], 'fails on this machine, which has no pf', async () => {
    const error = await errorOf(openOriginalDestinations({ runner: noRunner, log: silent, pf: systemPf }));
    expect(error).toMatchObject({
      status: 'ERR_PF_UNAVAILABLE',
      message: "/dev/pf can't be opened: there is none",
    });
  });

  test.each<[what: string, runner: Runner, message: RegExp]>([
    [
      'is missing',
      { ...noRunner, run: () => Promise.reject(missingProgram('pfctl')) },
      /pfctl is not installed/,
    ],
    [
      'fails',
      printing({ code: 1, stderr: 'pfctl: /dev/pf: Device busy\n' }).runner,
      /`pfctl -s state` failed with 1: pfctl: \/dev\/pf: Device busy$/,
    ],
  ])('fails where pfctl is the last way, and %s', async (_, runner, message) => {
    const pf = fakePf(nothing, []);
    const error = await errorOf(openOriginalDestinations({ runner, log: silent, pf }));
    expect(error).toMatchObject({ status: 'ERR_NATLOOK_COMMAND' });
    expect(error.message).toMatch(message);
    expect(pf.opened()).toBe(0);
  });
});

describe.each([
  ['127.0.0.1', to('203.0.113.7', 443), '203.0.113.7:443'],
  ['::1', to('2001:db8:7::9', 65_535), '[2001:db8:7::9]:65535'],
] as const)('a connection to %s', (hostname, destination, expected) => {
  const family = hostname === '::1' ? 6 : 4;

  /** Asks for one connection, whose state says `answers`, one after the other, the last again and again. */
  async function ask(...answers: Answer[]) {
    const asked: string[] = [];
    const pf = fakePf((question) => {
      if (question === NOBODY) return 'ENOENT';
      asked.push(question);
      return answers[Math.min(asked.length, answers.length) - 1]!;
    });
    const destinations = await openOriginalDestinations({
      runner: noRunner,
      log: silent,
      pf,
    });
    using connection = await connected(hostname);
    try {
      return {
        found: text(await destinations.originalDestination(connection.fd, family)),
        asked: asked.length,
      };
    } finally {
      expect(new Set(asked)).toEqual(new Set([connection.question]));
      destinations.close();
      expect(await destinations.originalDestination(connection.fd, family)).toBeUndefined();
    }
  }

  test('wanted to go where pf says', async () => {
    expect(await ask(destination)).toEqual({ found: expected, asked: 1 });
  });

  test('is not to be dialled if it goes to the very address that it comes from: it would come back for ever', async () => {
    const itself = { family, bytes: parseAddress(hostname)!.bytes, port: 443 } as const;
    expect(await ask(itself)).toEqual({ found: undefined, asked: 1 });
  });

  test('was not redirected if pf has no state of it', async () => {
    expect(await ask('ENOENT')).toEqual({ found: undefined, asked: 1 });
  });

  test.each<[errno: Errno, status: string, cause: unknown]>([
    ['E2BIG', 'ERR_NATLOOK_AMBIGUOUS', { code: 'E2BIG' }],
    ['EPERM', 'ERR_PF_PERMISSION', { code: 'EPERM' }],
    ['EFAULT', 'ERR_NATLOOK_CALL', { code: 'EFAULT' }],
    ['ENOTTY', 'ERR_NATLOOK_CALL', { code: 'ENOTTY' }],
    ['ENODEV', 'ERR_NATLOOK_CALL', { code: 'ENODEV' }],
  ])('%s has its meaning', async (errno, status, cause) => {
    expect(await errorOf(ask(errno))).toMatchObject({ status, cause: cause as object });
  });

  test('what has no meaning is asked once more', async () => {
    expect(await ask('EIO', destination)).toEqual({ found: expected, asked: 2 });
    expect(await ask('EIO', 'ENOENT')).toEqual({ found: undefined, asked: 2 });
    expect(await errorOf(ask('EIO', 'EBUSY', destination))).toMatchObject({ code: 'EBUSY' });
  });

  test('an answer that is none is an error', async () => {
    expect(await errorOf(ask('untouched'))).toMatchObject({ status: 'ERR_NATLOOK_CALL' });
    expect(await errorOf(ask({ ...destination, port: 0 }))).toMatchObject({ status: 'ERR_NATLOOK_CALL' });
  });

  test('that has ended is an error of the socket', async () => {
    const destinations = await openOriginalDestinations({
      runner: noRunner,
      log: silent,
      pf: fakePf(nothing),
    });
    expect(await errorOf(() => destinations.originalDestination(-1, family))).toEqual(
      new SystemError('getpeername', errnoOf('EBADF')),
    );
    destinations.close();
  });
});

describe('by pfctl', () => {
  const LATE = 'ALL tcp 127.0.0.1:1 <- 192.0.2.99:1 <- 127.0.0.1:1       ESTABLISHED:ESTABLISHED\n';
  const stateOf = ({ client, local }: { client: number; local: number }, destination: string) =>
    `ALL tcp 127.0.0.1:${local} <- ${destination} <- 127.0.0.1:${client}       ESTABLISHED:ESTABLISHED\n`;
  const open = (runner: Runner) => openOriginalDestinations({ runner, log: silent, pf: fakePf(nothing, []) });

  test('finds the destination, or not', async () => {
    using connection = await connected('127.0.0.1');
    const { runner, runs } = printing({}, { stdout: stateOf(connection, '1.1.1.1:80') }, { stdout: LATE });
    const destinations = await open(runner);
    expect(text(await destinations.originalDestination(connection.fd, 4))).toBe('1.1.1.1:80');
    expect(await destinations.originalDestination(connection.fd, 4)).toBeUndefined();
    expect(runs).toHaveLength(3);
    destinations.close();
    expect(await destinations.originalDestination(connection.fd, 4)).toBeUndefined();
    expect(runs).toHaveLength(3);
  });

  test('runs pfctl once for all who wait, and anew for those who came after it began', async () => {
    using first = await connected('127.0.0.1');
    using second = await connected('127.0.0.1');
    const slow = Promise.withResolvers<Partial<Finished>>();
    const { runner, runs } = printing({}, slow.promise, {
      stdout: stateOf(first, '3.3.3.3:80') + stateOf(second, '4.4.4.4:80'),
    });
    const destinations = await open(runner);
    const ask = async ({ fd }: { fd: number }) => text(await destinations.originalDestination(fd, 4));
    const early = [ask(first), ask(second)];
    while (runs.length < 2) await Bun.sleep(1);
    const late = Array.from({ length: 50 }, () => ask(second));
    await Bun.sleep(5);
    expect(runs).toHaveLength(2);
    slow.resolve({ stdout: stateOf(first, '1.1.1.1:80') });
    expect(await Promise.all(early)).toEqual(['1.1.1.1:80', undefined]);
    expect(new Set(await Promise.all(late))).toEqual(new Set(['4.4.4.4:80']));
    expect(runs).toHaveLength(3);
    destinations.close();
  });

  test('a run that fails is an error of those who waited for it, not of the next', async () => {
    using connection = await connected('127.0.0.1');
    const { runner } = printing(
      {},
      { code: 1, stderr: 'pfctl: no' },
      { stdout: stateOf(connection, '1.1.1.1:80') },
    );
    const destinations = await open(runner);
    expect(await errorOf(() => destinations.originalDestination(connection.fd, 4))).toMatchObject({
      status: 'ERR_NATLOOK_COMMAND',
      message: '`pfctl -s state` failed with 1: pfctl: no',
    });
    expect(text(await destinations.originalDestination(connection.fd, 4))).toBe('1.1.1.1:80');
    destinations.close();
  });

  test('finds none that goes to the very address that it comes from', async () => {
    using connection = await connected('127.0.0.1');
    const destinations = await open(printing({ stdout: stateOf(connection, '127.0.0.1:80') }).runner);
    expect(await destinations.originalDestination(connection.fd, 4)).toBeUndefined();
    destinations.close();
  });

  test('two states that disagree are an error', async () => {
    using connection = await connected('127.0.0.1');
    const stdout = stateOf(connection, '1.1.1.1:80') + stateOf(connection, '2.2.2.2:80');
    const destinations = await open(printing({ stdout }).runner);
    expect(await errorOf(() => destinations.originalDestination(connection.fd, 4))).toMatchObject({
      status: 'ERR_NATLOOK_AMBIGUOUS',
    });
    destinations.close();
  });
});
