/** A Mac's state in a file, for several processes at a time. */
import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tryLock } from '../../../ffi/flock.ts';
import type { MacState } from './mac_state.ts';

/** Where programs find it that run in a namespace which believes to be a Mac. */
export const MAC_INSIDE = '/run/snet/mac.json';

/** Writes a new one. */
export function writeMac(path: string, state: MacState): void {
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, JSON.stringify(state, undefined, 1));
  renameSync(beside, path);
}

export function readMac(path: string): MacState {
  return JSON.parse(readFileSync(path, 'utf8')) as MacState;
}

/**
 * Reads it, lets `change` change it, and writes it, while nobody else does; if `change` throws, nothing is written. The
 * kernel lets go of the lock if we are killed meanwhile.
 */
export function changeMac<T>(path: string, change: (state: MacState) => T): T {
  const lock = openSync(`${path}.lock`, 'a');
  try {
    while (!tryLock(lock)) Bun.sleepSync(1);
    const state = readMac(path);
    const result = change(state);
    writeMac(path, state);
    return result;
  } finally {
    closeSync(lock);
  }
}
