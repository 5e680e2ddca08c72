/** What is wrong with a configuration: every problem at once, each with its place. Never a secret. */
import { SnetError } from '../base/errors.ts';

export type ConfigStatus =
  /** The file, or one that a key of it names, cannot be read. */
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
  /** `file:line:column`, a flag, the name of an environment variable, or a key of what is named beside. */
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

  /** All problems on one line, and all hints on another: for a log. */
  get inShort(): { readonly reason: string; readonly hint: string | undefined } {
    const hints = new Set(this.problems.flatMap(({ hint }) => hint ?? []));
    return {
      reason: this.problems.map(statementOf).join('; '),
      hint: hints.size === 0 ? undefined : [...hints].join('; '),
    };
  }
}

/** The statement, and the hint on a line of its own. */
function renderProblem(problem: Problem): string {
  const { hint } = problem;
  return hint === undefined ? statementOf(problem) : `${statementOf(problem)}\n  hint: ${hint}`;
}

/** `where: key: found …, expected …` */
function statementOf({ where, key, found, expected }: Problem): string {
  return `${where}: ${key === undefined ? '' : `${key}: `}found ${found}, expected ${expected}`;
}
