/** Actors of paper: what the demo says when one of them fails. The real ones are in demo.test.ts. */
import { describe, expect, test } from 'bun:test';
import type { Child, Runner } from '../../src/base/runner.ts';
import { castFor } from '../../src/demo/cast.ts';
import { namespaceOf } from '../../src/demo/topology.ts';

const PASSWORD = 'a secret';

/** A child that has said this, and ends by itself with `code`, or when it is killed if there is none. */
function paperChild(stdout: string, stderr: string, code?: number) {
  const { promise: exited, resolve } = Promise.withResolvers<number>();
  const killed: string[] = [];
  const streamOf = (text: string) =>
    new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from(text));
        await exited;
        controller.close();
      },
    });
  if (code !== undefined) resolve(code);
  const child: Child = {
    pid: 1,
    stdin: { write() {}, flush() {}, end() {} },
    stdout: streamOf(stdout),
    stderr: streamOf(stderr),
    exited,
    kill(signal) {
      killed.push(signal);
      resolve(137);
    },
  };
  return { child, killed };
}

function runnerOf(child: Child, finished = { code: 0, stdout: '', stderr: '' }) {
  const started: string[] = [];
  const runner: Runner = {
    run: async () => finished,
    start(argv) {
      started.push(argv.join(' '));
      return child;
    },
  };
  return { runner, started };
}

const never = new AbortController().signal;

describe('castFor()', () => {
  test('a proxy that is ready is waited for, and killed at the end', async () => {
    const { child, killed } = paperChild('', 'starting\n[info] ready upstream=x port=1111\n');
    const { runner, started } = runnerOf(child);
    {
      await using cast = castFor(runner, 4711, never);
      await cast.proxy(PASSWORD);
      expect(killed).toEqual([]);
    }
    expect(started).toHaveLength(1);
    expect(started[0]).toStartWith(`ip netns exec ${namespaceOf(4711, 'client')} `);
    expect(killed).toEqual(['SIGKILL']);
  });

  test('a proxy that does not come up is told with what it said, and without its password', async () => {
    const { child } = paperChild('', 'snet: no nf_tables and no iptables\n', 6);
    await using cast = castFor(runnerOf(child).runner, 4711, never);
    const failure = await cast.proxy(PASSWORD).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 'ERR_DEMO_CHILD' });
    const { message } = failure as Error;
    expect(message).toContain('snet run did not come up: exit code 6');
    expect(message).toContain('no nf_tables and no iptables');
    expect(message).not.toContain(PASSWORD);
  });

  test('an interruption ends who is being waited for, and starts nobody else', async () => {
    const { child, killed } = paperChild('', '');
    const controller = new AbortController();
    const { runner, started } = runnerOf(child);
    await using cast = castFor(runner, 4711, controller.signal);
    const waiting = cast.proxy(PASSWORD).catch((error: unknown) => error);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await waiting).toMatchObject({ status: 'ERR_DEMO_CHILD' });
    expect(killed).toContain('SIGKILL');
    expect(await cast.origin().catch((error: unknown) => error)).toBe(reason);
    expect(started).toHaveLength(1);
  });

  test('a command that fails is told with what it said', async () => {
    const { child } = paperChild('', '', 0);
    const { runner } = runnerOf(child, { code: 5, stdout: '', stderr: 'snet: held by process 7' });
    await using cast = castFor(runner, 4711, never);
    expect(await cast.clean().catch((error: unknown) => error)).toMatchObject({
      status: 'ERR_DEMO_CHILD',
      message: 'snet clean: exit code 5\nsnet: held by process 7',
    });
  });
});
