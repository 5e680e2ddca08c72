/** Guardians that get ready, and end when they are told to; they do no work. */
import type { Child, Runner } from '../../../src/base/runner.ts';
import { DONE, READY } from '../../../src/redirect/guardian/guardian.ts';

export interface FakeGuardian extends Child {
  /** How it ended: told so, or killed. */
  ended: 'dismissed' | 'killed' | undefined;
}

export class FakeGuardians implements Runner {
  readonly all: FakeGuardian[] = [];
  /** What one says at first. */
  greeting = READY;

  /** How they have ended; undefined: still there. */
  get ends(): FakeGuardian['ended'][] {
    return this.all.map(({ ended }) => ended);
  }

  run(argv: readonly string[]): never {
    throw new Error(`a guardian is started, not run: ${argv.join(' ')}`);
  }

  start(): FakeGuardian {
    const exited = Promise.withResolvers<number>();
    let speak: ReadableStreamDefaultController<Uint8Array>;
    const stdout = new ReadableStream<Uint8Array>({ start: (controller) => void (speak = controller) });
    const end = (how: 'dismissed' | 'killed') => {
      guardian.ended ??= how;
      exited.resolve(how === 'killed' ? 137 : 0);
    };
    const guardian: FakeGuardian = {
      pid: 1000 + this.all.length,
      stdin: {
        write: (text: string) => {
          if (text === DONE) return end('dismissed');
          speak.enqueue(new TextEncoder().encode(this.greeting));
          speak.close();
        },
        flush: () => {},
        end: () => {},
      },
      stdout,
      stderr: new Blob(['it was not well']).stream(),
      exited: exited.promise,
      kill: () => end('killed'),
      ended: undefined,
    };
    this.all.push(guardian);
    return guardian;
  }
}
