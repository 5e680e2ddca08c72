/** The tree of commands. Each is loaded when it is called, and loads the rest of the program itself. */
import { defineCommand, renderUsage, runCommand, type CommandDef } from 'citty';
import { didYouMean } from '../config/nearest.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit.ts';
import { print } from './output.ts';
import { asksForHelp, checkArguments, shownArgument, type Arguments } from './strict.ts';
import { UsageError } from './usage_error.ts';

const COMMANDS = {
  run: async () => (await import('./run.ts')).run,
  check: async () => (await import('./check.ts')).check,
  init: async () => (await import('./init.ts')).init,
  status: async () => (await import('./status.ts')).status,
  clean: async () => (await import('./clean.ts')).clean,
  dns: async () => (await import('./dns.ts')).dns,
  server: async () => (await import('./server.ts')).server,
  update: async () => (await import('./update.ts')).update,
  demo: async () => (await import('./demo.ts')).demo,
  version: async () => (await import('./version.ts')).version,
} satisfies Record<string, () => Promise<unknown>>;

const ROOT = defineCommand({
  meta: {
    name: 'snet',
    description: 'Makes every program on this machine reach the Internet through a proxy',
  },
  subCommands: COMMANDS,
});

const ROOT_EXAMPLES = ['sudo snet run ss://METHOD:PASSWORD@HOST:PORT', 'snet check -c snet.json'];

/** @returns the exit code. @throws SnetError */
export async function snet(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = asFlag(argv);
  if (name === undefined || name === '--help' || name === '-h') return printHelp(ROOT, ROOT_EXAMPLES);
  const command = await findCommand(name === '--version' ? 'version' : name);
  if (asksForHelp(rest)) return printHelp(command, command.examples, ROOT);
  const { rawArgs, lists } = checked(name, rest, command);
  const { result } = await runCommand(command, { rawArgs, data: lists });
  return result as number;
}

/** `help` and `help COMMAND`, as in many programs, are `--help` and `COMMAND --help`. @throws UsageError */
function asFlag(argv: readonly string[]): readonly string[] {
  const [name, ...rest] = argv;
  if (name !== 'help') return argv;
  const [topic, surplus] = rest.filter((word) => word !== '--help' && word !== '-h');
  if (surplus !== undefined) {
    throw new UsageError(`unexpected argument ${shownArgument(surplus)}`, 'snet help COMMAND');
  }
  return topic === undefined || topic === 'help' ? ['--help'] : [topic, '--help'];
}

/** Says where the flags are explained, if the mistake doesn't explain itself. */
function checked(name: string, argv: readonly string[], command: Command): Arguments {
  try {
    return checkArguments(argv, command.args, command.repeatable);
  } catch (error) {
    if (!(error instanceof UsageError) || error.hint !== undefined) throw error;
    throw new UsageError(error.message, `see snet ${name} --help`);
  }
}

async function findCommand(name: string): Promise<Command> {
  // A command knows its own arguments; to the tree they are any.
  if (Object.hasOwn(COMMANDS, name))
    return (await COMMANDS[name as keyof typeof COMMANDS]()) as unknown as Command;
  if (name.includes('://')) throw new UsageError('found a link, expected a command', 'snet run URL');
  const kind = name.startsWith('-') ? 'flag' : 'command';
  const hint =
    didYouMean(name, [...Object.keys(COMMANDS), 'help']) ?? `one of ${Object.keys(COMMANDS).join(', ')}`;
  throw new UsageError(`unknown ${kind} ${shownArgument(name)}`, hint);
}

async function printHelp(
  command: CommandDef,
  examples: readonly string[],
  parent?: CommandDef,
): Promise<number> {
  const parts = [await renderUsage(command, parent), '', section('EXAMPLES', examples)];
  if (command === ROOT) {
    const codes = Object.values(EXIT).map(({ code, meaning }) => `${code}  ${meaning}`);
    parts.push('', section('EXIT CODES', codes));
  }
  const text = parts.join('\n');
  await print(process.stdout.isTTY && !process.env['NO_COLOR'] ? text : Bun.stripANSI(text));
  return EXIT.ok.code;
}

function section(title: string, lines: readonly string[]): string {
  return [title, '', ...lines.map((line) => `  ${line}`)].join('\n');
}
