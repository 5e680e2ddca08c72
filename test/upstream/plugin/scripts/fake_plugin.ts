/**
 * A plugin for tests, as the options say that it is given:
 *   tell        answers each connection with what it knows of itself, a {@link Told} as JSON
 *   die         says what it was given, and ends with exit code 3
 *   stubborn    tells, but takes no notice of SIGTERM
 *   while=FILE  tells so long as there is this file; else dies
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';

export interface Told {
  readonly pid: number;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

const options = process.env['SS_PLUGIN_OPTIONS'] ?? 'tell';
const [word, value] = options.split(';')[0]!.split('=');

if (word === 'die' || (word === 'while' && !existsSync(value!))) {
  process.stdout.write('starting\n');
  process.stderr.write(`no good: ${options}\n`);
  process.exit(3);
}
if (word === 'stubborn') process.on('SIGTERM', () => process.stderr.write('not now\n'));
const told = { pid: process.pid, args: process.argv.slice(2), folder: process.cwd(), env: process.env };
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.end(JSON.stringify(told));
});
server.listen(Number(process.env['SS_LOCAL_PORT']), process.env['SS_LOCAL_HOST']);
