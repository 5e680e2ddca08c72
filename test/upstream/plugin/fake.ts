/** The plugin of scripts/fake_plugin.ts as a program of its own, and somebody who listens to what is said about it. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent, type Fields, type Log } from '../../../src/base/log.ts';
import type { PluginTiming } from '../../../src/upstream/plugin/plugin.ts';
import type { Told } from './scripts/fake_plugin.ts';

const SCRIPT = new URL('scripts/fake_plugin.ts', import.meta.url).pathname;

/** Short where a test would wait, long where it would fail. */
export const TIMING: PluginTiming = {
  patience: 10_000,
  grace: 300,
  pause: 10,
  pauseMax: 40,
  steady: 60_000,
  look: 20,
};

export interface Fake extends AsyncDisposable {
  /** Absolute path of the program. */
  readonly program: string;
  /** Of a file in its folder. */
  path(name: string): string;
}

export async function createFake(): Promise<Fake> {
  const folder = await mkdtemp(join(tmpdir(), 'snet-plugin-'));
  const path = (name: string) => join(folder, name);
  const program = path('fake-plugin');
  // The test's own bun, which a plugin's PATH need not have.
  await Bun.write(program, `#!/bin/sh\nexec '${process.execPath}' '${SCRIPT}' "$@"\n`);
  await chmod(program, 0o755);
  return { program, path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** What the plugin at a port of loopback says of itself. */
export async function askAt(port: number): Promise<Told> {
  let text = '';
  for await (const bytes of connect(port, '127.0.0.1') as AsyncIterable<Buffer>) text += bytes.toString();
  return JSON.parse(text) as Told;
}

export interface Event {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly fields: Fields;
}

/** A log that remembers. */
export function createMemoryLog(): Log & {
  readonly events: readonly Event[];
  said(message: string): Event[];
} {
  const events: Event[] = [];
  const at =
    (level: Event['level']) =>
    (message: string, fields: Fields = {}) =>
      void events.push({ level, message, fields });
  return {
    ...silent,
    events,
    said: (message) => events.filter((event) => event.message === message),
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
  };
}
