/** This machine's. The bundler knows its target: what only the other needs is not in the executable. */
import { systemRunner } from '../../base/runner.ts';
import { darwin } from './darwin.ts';
import { linux } from './linux.ts';
import type { Platform } from './platform.ts';

export const hostPlatform: Platform =
  process.platform === 'darwin' ? darwin(systemRunner) : linux(systemRunner);
