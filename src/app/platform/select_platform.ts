/** This machine's. */
import { systemRunner } from '../../base/runner.ts';
import { linux } from './linux.ts';
import type { Platform } from './platform.ts';

export const hostPlatform: Platform = linux(systemRunner);
