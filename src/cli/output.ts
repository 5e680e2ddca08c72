/** stdout is data, stderr is for people. */
import { explain, SnetError } from '../base/errors.ts';
import { ConfigError } from '../config/error.ts';
import { withoutLinks } from '../config/links.ts';

/** Writes to stdout, and waits until it is written. An error ends the process, see endWithStdout in exit.ts. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`, (error) => {
      if (!error) resolve();
    });
  });
}

/** A value as indented JSON on stdout. */
export function printJson(value: unknown): Promise<void> {
  return print(JSON.stringify(value, undefined, 2));
}

/** What a person may want to know beside the data, on stderr. */
export function note(text: string): void {
  process.stderr.write(`snet: ${text}\n`);
}

/** A warning on stderr, before there is a log. */
export function warn(text: string): void {
  process.stderr.write(`snet: warning: ${text}\n`);
}

/** Says on stderr what went wrong and what can be done about it. */
export function report(error: unknown): void {
  process.stderr.write(`${describe(error)}\n`);
}

/** An error of ours in its own words; any other is a mistake in this program, with its stack. */
function describe(error: unknown): string {
  if (error instanceof SnetError) {
    // A configuration's problems say all; what the parser threw says it once more.
    const text = error instanceof ConfigError ? error.message : explain(error);
    const lines = text.split('\n').map((line) => (line.startsWith(' ') ? line : `snet: ${line}`));
    if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
    return lines.join('\n');
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `snet: internal error: ${withoutLinks(stack)}\n  hint: this is a bug in snet; please report it with this text`;
}
