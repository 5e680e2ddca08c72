/** Keeps answers and verdicts over restarts, in two files of one directory. */
import { setImmediate } from 'node:timers/promises';
import { join } from 'node:path';
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Cache } from './cache.ts';
import { readKept, writeKept } from './file.ts';
import { ANSWERS, VERDICT_RECORDS, type RecordForm } from './kept_records.ts';
import type { Verdicts } from './verdicts.ts';

export interface Keeper {
  /** Takes back what was kept. Never rejects: a file that is of no use is said in the log, and that is all. */
  load(): Promise<void>;
  /** Writes both files. Never rejects, as above. While it writes, another call waits for that instead. */
  save(): Promise<void>;
  /** No more saving now and then, but once more now. */
  stop(): Promise<void>;
}

export interface KeeperOptions {
  readonly directory: string;
  readonly cache: Pick<Cache, 'kept' | 'restore' | 'bytes'>;
  readonly verdicts: Pick<Verdicts, 'kept' | 'restore'>;
  readonly log: Log;
  /** Milliseconds of the Unix epoch. */
  readonly wallClock?: () => number;
  /** Milliseconds between two times of saving. */
  readonly every?: number;
}

const HOUR = 3_600_000;

/** So much is encoded, or so many are taken back, before others may run: less than a millisecond's work each. */
const PART_SIZE = 1 << 15;
const PART_COUNT = 128;

/** More than the longest record: a message, a name in text with every byte escaped, and what is fixed. */
const RECORD_LIMIT = 0xffff + 4 * 255 + 64;

/** What answers take in the file is less than in memory; verdicts have a memory of their own. */
const FILE_LIMIT = 64 << 20;

export function createKeeper({
  directory,
  cache,
  verdicts,
  log,
  wallClock = Date.now,
  every = HOUR,
}: KeeperOptions): Keeper {
  const answersFile = join(directory, 'answers');
  const verdictsFile = join(directory, 'verdicts');
  let saving: Promise<void> | undefined;

  const attempt = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      log.warn(`dns: ${what}`, { why: explain(error) });
    }
  };

  const save = async () => {
    await attempt('answers are not kept', () => saveRecords(answersFile, ANSWERS, cache.kept(), wallClock));
    await attempt('verdicts are not kept', () =>
      saveRecords(verdictsFile, VERDICT_RECORDS, verdicts.kept(), wallClock),
    );
  };

  const keeper: Keeper = {
    async load() {
      const most = cache.bytes + FILE_LIMIT;
      await attempt('kept answers are not used', () =>
        loadRecords(answersFile, ANSWERS, most, wallClock, (answer, clockWentBack) =>
          // How long ago it was kept nobody knows: it is taken as just expired.
          cache.restore(clockWentBack ? { ...answer, remaining: Math.min(0, answer.remaining) } : answer),
        ),
      );
      await attempt('kept verdicts are not used', () =>
        loadRecords(verdictsFile, VERDICT_RECORDS, most, wallClock, (verdict) => verdicts.restore(verdict)),
      );
    },
    save() {
      saving ??= save().finally(() => {
        saving = undefined;
      });
      return saving;
    },
    async stop() {
      clearInterval(timer);
      // What is being written may have been begun long ago.
      await saving;
      await keeper.save();
    },
  };
  const timer = setInterval(() => void keeper.save(), every);
  // Nobody waits for the next time.
  timer.unref();
  return keeper;
}

/** @throws KeptFileError */
async function saveRecords<Kept extends { readonly remaining: number }>(
  path: string,
  form: RecordForm<Kept>,
  records: Iterable<Kept>,
  wallClock: () => number,
): Promise<void> {
  await writeKept(path, form.contents, wallClock(), encoded(form, records, wallClock));
}

/** The records' bytes, in parts of some {@link PART_SIZE} that share one memory. */
function* encoded<Kept extends { readonly remaining: number }>(
  form: RecordForm<Kept>,
  records: Iterable<Kept>,
  wallClock: () => number,
): Generator<Uint8Array, void, undefined> {
  const part = Buffer.alloc(PART_SIZE + RECORD_LIMIT);
  let filled = 0;
  for (const record of records) {
    filled += form.write(record, wallClock() + record.remaining, part, filled);
    if (filled < PART_SIZE) continue;
    yield part.subarray(0, filled);
    filled = 0;
  }
  yield part.subarray(0, filled);
}

/**
 * @param take is given each record, and whether the wall clock is behind the time when the file was written
 * @returns how many were taken
 * @throws KeptFileError if the file is of no use
 */
export async function loadRecords<Kept extends { readonly remaining: number }>(
  path: string,
  form: RecordForm<Kept>,
  most: number,
  wallClock: () => number,
  take: (record: Omit<Kept, 'remaining'> & { readonly remaining: number }, clockWentBack: boolean) => boolean,
): Promise<number> {
  const file = await readKept(path, form.contents, most);
  if (!file) return 0;
  const { contents, written } = file;
  let taken = 0;
  let met = 0;
  for (let at = 0; at < contents.length;) {
    const found = form.read(contents, at);
    if (!found) break;
    at += found.size;
    const now = wallClock();
    const remaining = found.expires - Math.max(now, written);
    if (take({ ...found.record, remaining }, now < written)) taken++;
    if (++met % PART_COUNT === 0) await setImmediate();
  }
  return taken;
}
