/** Warnings of flows that failed. When everything fails, some lines a second and status say so; the rest are counted. */
import { explain } from '../base/errors.ts';
import type { Fields, Log } from '../base/log.ts';

const LINES_PER_SECOND = 5;

/** Says that something ended with `status`, in words and with fields. */
export type FailureLog = (status: string, message: string, fields: Fields, cause?: unknown) => void;

export function createFailureLog(log: Log, now: () => number = () => performance.now()): FailureLog {
  const windows = new Map<string, { began: number; lines: number; dropped: number }>();

  return (status, message, fields, cause) => {
    let window = windows.get(status);
    if (window === undefined || now() - window.began >= 1_000) {
      const unsaid = window?.dropped;
      windows.set(status, (window = { began: now(), lines: 0, dropped: 0 }));
      if (unsaid) log.warn('more of the same', { status, times: unsaid });
    }
    if (++window.lines > LINES_PER_SECOND) {
      window.dropped++;
      return;
    }
    const reason = cause === undefined ? undefined : explain(cause);
    log.warn(message, { status, ...fields, reason });
    if (status === 'ERR_INTERNAL' && cause instanceof Error) log.error(cause.stack ?? cause.message);
  };
}
