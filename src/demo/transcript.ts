/** What a child says, line by line: one can wait for a line, and show all of it when something went wrong. */
import { linesOf } from '../base/lines.ts';

/** A child that talks on and on is heard, but only its last words are kept. */
const KEPT_LINES = 100;

export interface Transcript {
  /** Waits for a line that matches. @returns false if the child stopped talking without it */
  says(wanted: RegExp): Promise<boolean>;
  /** Its last lines, when it has said all. */
  whole(): Promise<string>;
}

/** Reads a child's stdout or stderr to its end, so that the child never waits for a reader. */
export function transcribe(stream: ReadableStream<Uint8Array>): Transcript {
  const lines: string[] = [];
  const waiting = new Set<(line: string | undefined) => void>();
  const tell = (line: string | undefined) => {
    for (const hear of waiting) hear(line);
  };
  let ended = false;

  async function read(): Promise<void> {
    for await (const line of linesOf(stream)) {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      tell(line);
    }
    ended = true;
    tell(undefined);
  }
  const end = read();

  return {
    async says(wanted) {
      if (lines.some((line) => wanted.test(line))) return true;
      if (ended) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const hear = (line: string | undefined) => {
        if (line === undefined || wanted.test(line)) resolve(line !== undefined);
      };
      waiting.add(hear);
      try {
        return await promise;
      } finally {
        waiting.delete(hear);
      }
    },
    async whole() {
      await end;
      return lines.join('\n');
    },
  };
}
