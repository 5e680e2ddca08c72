import { expect, test } from 'bun:test';
import { explain } from '../../src/base/errors.ts';
import { listen } from '../../src/inbound/listener.ts';

const handlers = () => ({ data: () => {} });

test('a port that somebody else has is told once, with its holder', () => {
  const taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: handlers() });
  try {
    const attempt = () => listen(taken.port, handlers, () => 'process 1 (it)');
    expect(attempt).toThrow(
      expect.objectContaining({
        status: 'ERR_PORT_IN_USE',
        hint: 'Stop that program, or choose another port with --port.',
      }),
    );
    expect(told(attempt)).toBe(`127.0.0.1:${taken.port} is in use by process 1 (it)`);
  } finally {
    taken.stop(true);
  }
});

test('where only ::1 has the port taken, nothing listens on 127.0.0.1 either', () => {
  const taken = Bun.listen({ hostname: '::1', port: 0, socket: handlers() });
  try {
    const attempt = () => listen(taken.port, handlers, () => undefined);
    expect(told(attempt)).toBe(`[::1]:${taken.port} is in use`);
    Bun.listen({ hostname: '127.0.0.1', port: taken.port, socket: handlers() }).stop(true);
  } finally {
    taken.stop(true);
  }
});

/** What a person is told of what `attempt` throws. */
function told(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    return explain(error);
  }
  throw new Error('nothing was thrown');
}
