/**
 * To be preloaded: `bun --preload guarded_memory.ts PROGRAM`. All pinned memory of the program then lies between margins
 * that nobody may write to. Its end says on stderr how many places there were; if a margin was spoilt, it says by how much,
 * and the exit code is 99.
 *
 * Nothing of the product knows of it: the one line of ffi/memory.ts that allocates is another one here.
 */
import { plugin } from 'bun';
import { ptr, toArrayBuffer } from 'bun:ffi';

const SPOILT = 99;

const CANARY = 0xa5;
/** Bytes, on either side. */
const MARGIN = 64;

const ALLOCATION = 'new Uint8Array(new ArrayBuffer(size))';
const GUARDED = Symbol.for('snet.test.guarded');

interface Place {
  /** Margin, memory, margin. Held for ever: what is between has an address but no owner of its own. */
  readonly block: Uint8Array<ArrayBuffer>;
  readonly size: number;
}

const places: Place[] = [];

/** As what stands in its place: zeroes, over a buffer of this very size. */
function guarded(size: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(new ArrayBuffer(MARGIN + size + MARGIN)).fill(CANARY);
  block.fill(0, MARGIN, MARGIN + size);
  places.push({ block, size });
  return new Uint8Array(toArrayBuffer(ptr(block), MARGIN, size));
}

function damage({ block, size }: Place): string[] {
  const bytes = [...block.entries()].filter(([at]) => at < MARGIN || at >= MARGIN + size);
  const spoilt = bytes.filter(([, byte]) => byte !== CANARY).map(([at]) => at - MARGIN);
  return spoilt.length === 0 ? [] : [`spoilt: of ${size} bytes, those at ${spoilt.join()}`];
}

(globalThis as Record<symbol, unknown>)[GUARDED] = guarded;
plugin({
  name: 'guarded memory',
  setup(build) {
    build.onLoad({ filter: /\/ffi\/memory\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      const parts = text.split(ALLOCATION);
      if (parts.length !== 2) throw new Error(`${path} has no one ${ALLOCATION}`);
      return { contents: parts.join(`globalThis[Symbol.for('${GUARDED.description}')](size)`), loader: 'ts' };
    });
  },
});

process.on('exit', () => {
  const spoilt = places.flatMap(damage);
  process.stderr.write([...spoilt, `${places.length} places guarded\n`].join('\n'));
  if (spoilt.length > 0) process.exitCode = SPOILT;
});
