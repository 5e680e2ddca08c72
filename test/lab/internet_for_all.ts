/** The small Internet for all tests of a `describe`: built before the first of them, gone after the last. */
import { afterAll, beforeAll } from 'bun:test';
import { createInternet, type Internet } from './internet.ts';

/**
 * @param prepare starts what else is there all the time, such as a server, and leaves it to `undo`
 * @returns what is there in the hooks that follow and in the tests
 */
export function internetForAll(
  prepare?: (internet: Internet, undo: AsyncDisposableStack) => Promise<void>,
): Internet {
  let internet: Internet;
  const undo = new AsyncDisposableStack();
  beforeAll(async () => {
    internet = undo.use(await createInternet());
    await prepare?.(internet, undo);
  });
  afterAll(() => undo.disposeAsync());
  return {
    get client() {
      return internet.client;
    },
    get world() {
      return internet.world;
    },
    get far() {
      return internet.far;
    },
    seen: () => internet.seen(),
  };
}
