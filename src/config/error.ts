/** What is wrong with a configuration: every problem at once, each with its place. Never a secret. */
import { SnetError } from '../base/errors.ts';

export type ConfigStatus =
  /** The file cannot be read. */
  | 'ERR_CONFIG_READ'
  /** The file is not JSON with comments. */
  | 'ERR_CONFIG_SYNTAX'
  /** A key is unknown or missing, or its value is not one that it may have. */
  | 'ERR_CONFIG_VALUE'
  /** A file of the Go program asks for what this one cannot do yet, and would not work without. */
  | 'ERR_CONFIG_UNSUPPORTED'
  /** No upstream was given anywhere. */
  | 'ERR_CONFIG_NO_UPSTREAM';

export interface Problem {
  /** `file:line:column`, a flag, or the name of an environment variable. */
  readonly where: string;
  /** The key, dotted; undefined where `where` says all. */
  readonly key: string | undefined;
  readonly found: string;
  readonly expected: string;
  readonly hint?: string | undefined;
}

/** One or more problems. The message has a line for each, and a line more for each hint. */
export class ConfigError extends SnetError<ConfigStatus> {
  readonly problems: readonly Problem[];

  /** @param problems at least one */
  constructor(status: ConfigStatus, problems: readonly Problem[], cause?: unknown) {
    super(status, problems.map(renderProblem).join('\n'), { cause });
    this.problems = problems;
  }
}

/** `where: key: found …, expected …`, and the hint on a line of its own. */
function renderProblem({ where, key, found, expected, hint }: Problem): string {
  const text = `${where}: ${key === undefined ? '' : `${key}: `}found ${found}, expected ${expected}`;
  return hint === undefined ? text : `${text}\n  hint: ${hint}`;
}
