/** The end of the process: what its exit code means, and the only place that ends it. */
import { SnetError } from '../base/errors.ts';

export interface ExitCode {
  readonly code: number;
  readonly meaning: string;
}

/** In the help and in the documentation. */
export const EXIT = {
  ok: { code: 0, meaning: 'done; for run: ended by Ctrl-C or SIGTERM, everything undone' },
  failure: { code: 1, meaning: 'something else failed' },
  usage: { code: 2, meaning: 'the command line is wrong' },
  config: { code: 3, meaning: 'the configuration or the share link is wrong' },
  permission: { code: 4, meaning: 'not root, or a capability is missing' },
  inUse: { code: 5, meaning: 'another program, or another snet, holds the port or the rules' },
  unsupported: { code: 6, meaning: 'the kernel or the machine lacks what is needed' },
} as const satisfies Readonly<Record<string, ExitCode>>;

/** Status words by their beginning or end, so that a new word of a layer has its code without a line here. First match counts. */
const BY_STATUS: readonly (readonly [pattern: RegExp, exit: ExitCode])[] = [
  [/^ERR_USAGE$/, EXIT.usage],
  [/^ERR_CONFIG_/, EXIT.config],
  [/_(?:NOT_ROOT|PERMISSION)$/, EXIT.permission],
  [/_(?:IN_USE|HELD|LOCKED)$/, EXIT.inUse],
  [/_(?:UNSUPPORTED|UNAVAILABLE|INEFFECTIVE)$/, EXIT.unsupported],
];

/** The exit code of an error that nobody has dealt with. */
export function exitCodeOf(error: unknown): number {
  const status = error instanceof SnetError ? error.status : '';
  return (BY_STATUS.find(([pattern]) => pattern.test(status))?.[1] ?? EXIT.failure).code;
}

/** Ends the process at once: what is to be undone has been. */
export function exit(code: number): never {
  process.exit(code);
}

/**
 * What becomes of a stdout that takes no more. If its reader has gone (`snet check … | head -1`), that is no failure, and
 * nobody is there to be told; a full disk is one.
 */
export function endWithStdout(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') exit(EXIT.ok.code);
    process.stderr.write(`snet: cannot write to stdout: ${error.message}\n`);
    exit(EXIT.failure.code);
  });
}
