/** What is asked of `ip`, by a runner of paper. The real thing is in demo.test.ts. */
import { describe, expect, test } from 'bun:test';
import { RunError, type Finished, type Runner } from '../../src/base/runner.ts';
import { DemoError } from '../../src/demo/errors.ts';
import { buildNamespaces, removeLeftovers, removeNamespaces } from '../../src/demo/namespaces.ts';
import { buildCommands, namespaceOf } from '../../src/demo/topology.ts';

const never = new AbortController().signal;

/** Remembers what it was asked, and answers by the first key that the command line begins with. */
function paperRunner(answers: Readonly<Record<string, Partial<Finished> | Error>> = {}) {
  const asked: string[] = [];
  const runner: Runner = {
    async run(argv) {
      const line = argv.join(' ');
      asked.push(line);
      const answer = Object.entries(answers).find(([start]) => line.startsWith(start))?.[1] ?? {};
      if (answer instanceof Error) throw answer;
      return { code: 0, stdout: '', stderr: '', ...answer };
    },
    start() {
      throw new Error('nothing is to be started');
    },
  };
  return { runner, asked };
}

/** A pid that was, and is no more. */
async function deadPid(): Promise<number> {
  const child = Bun.spawn([process.execPath, '--version'], { stdout: 'ignore' });
  await child.exited;
  return child.pid;
}

describe('buildNamespaces()', () => {
  test('runs the plan, in order', async () => {
    const { runner, asked } = paperRunner();
    await buildNamespaces(runner, 4711, never);
    expect(asked).toEqual(buildCommands(4711).map(({ argv }) => argv.join(' ')));
  });

  test('stops at the first failure, with what ip said', async () => {
    const { runner, asked } = paperRunner({
      'ip -batch': { code: 1, stderr: 'RTNETLINK answers: no veth\n' },
    });
    const failure = await buildNamespaces(runner, 4711, never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DemoError);
    expect(failure).toMatchObject({
      status: 'ERR_DEMO_NAMESPACES',
      message: 'ip -batch -: RTNETLINK answers: no veth',
    });
    expect(asked.at(-1)).toBe('ip -batch -');
  });

  test('stops when it is told to', async () => {
    const { runner, asked } = paperRunner();
    const reason = new Error('enough');
    expect(await buildNamespaces(runner, 4711, AbortSignal.abort(reason)).catch((e: unknown) => e)).toBe(
      reason,
    );
    expect(asked).toEqual([]);
  });

  test('a missing ip is told with its package', async () => {
    const { runner } = paperRunner({
      ip: new RunError('ERR_RUN_MISSING', 'the program ip is not installed'),
    });
    const failure = await removeLeftovers(runner).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 'ERR_DEMO_UNSUPPORTED' });
    expect((failure as DemoError).hint).toContain('iproute2');
  });
});

describe('removal', () => {
  test('takes only the namespaces of that demo, as far as they are there', async () => {
    const stdout = `${namespaceOf(4711, 'client')} (id: 0)\n${namespaceOf(4711, 'server')}\nmine\n`;
    const { runner, asked } = paperRunner({ 'ip netns list': { stdout } });
    await removeNamespaces(runner, 4711);
    expect(asked.filter((line) => line.startsWith('ip netns del'))).toEqual([
      `ip netns del ${namespaceOf(4711, 'client')}`,
      `ip netns del ${namespaceOf(4711, 'server')}`,
    ]);
  });

  test('leftovers are those whose demo is dead', async () => {
    const dead = await deadPid();
    const stdout = [namespaceOf(dead, 'client'), namespaceOf(process.pid, 'client'), 'mine'].join('\n');
    const { runner, asked } = paperRunner({ 'ip netns list': { stdout } });
    await removeLeftovers(runner);
    expect(asked.filter((line) => line.startsWith('ip netns del'))).toEqual([
      `ip netns del ${namespaceOf(dead, 'client')}`,
    ]);
  });
});
