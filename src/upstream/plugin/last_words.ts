/** What a plugin says goes to the log; its last words are kept for whoever has to explain its end. */
import { linesOf } from '../../base/lines.ts';
import type { Log } from '../../base/log.ts';
import type { Child } from '../../base/runner.ts';

const KEPT_LINES = 4;
/** Characters of one line. */
const LONGEST = 300;
/** Milliseconds: a child of the plugin's may hold its pipes for longer than it lives. */
const AFTERWARDS = 500;

/**
 * Reads all that a child says, so that it never waits for a reader.
 * @param redact is given every line before anybody sees it
 * @returns what waits for the child's end, and gives its last words in one line, or says that there were none
 */
export function hear(
  { stdout, stderr, exited }: Child,
  plugin: string,
  redact: (text: string) => string,
  log: Log,
): () => Promise<string> {
  const kept: string[] = [];
  async function read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of linesOf(stream)) {
      const text = redact(line.trim());
      if (text === '') continue;
      log.debug('the plugin says', { plugin, line: text });
      kept.push(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
      if (kept.length > KEPT_LINES) kept.shift();
    }
  }
  const all = Promise.all([read(stdout), read(stderr)]);
  return async () => {
    await exited;
    await Promise.race([all, Bun.sleep(AFTERWARDS)]);
    return kept.join(' / ') || 'it said nothing';
  };
}
