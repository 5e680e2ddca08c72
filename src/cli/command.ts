/** What a command is to the tree: citty's definition, and what citty has no place for. */
import type { ArgsDef, CommandDef } from 'citty';

export interface Command<Args extends ArgsDef = ArgsDef> extends CommandDef<Args> {
  readonly args: Args;
  /** Lines that somebody could type, for the help. */
  readonly examples: readonly string[];
  /** Flags, and a last positional argument, that may be given more than once; `data` of the context has their values by name. */
  readonly repeatable?: readonly string[];
}

/** Keeps the types of the arguments for `run`, which returns the exit code. */
export function command<const Args extends ArgsDef>(
  definition: Command<Args> & { readonly run: NonNullable<CommandDef<Args>['run']> },
): Command<Args> {
  return definition;
}
