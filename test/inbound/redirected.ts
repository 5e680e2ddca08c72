/**
 * Runs inside a network namespace: listens, connects to targets that the namespace's rules may redirect to the
 * listeners, and prints what each connection's original destination was said to be.
 *
 * stdin: a {@link Task} as JSON; stdout: a {@link Report}.
 */
import type { Socket } from 'bun';
import { silent } from '../../src/base/log.ts';
import { systemRunner } from '../../src/base/runner.ts';
import { descriptor } from '../../src/net/socket.ts';
import { isOwnListener } from '../../src/inbound/original_destination.ts';
import { openOriginalDestinations } from '../../src/inbound/original_destination_darwin.ts';
import { originalDestination as ofConntrack } from '../../src/inbound/original_destination_linux.ts';
import { formatEndpoint, parseAddress, type Endpoint } from '../../src/net/address.ts';
import { conntrackPf } from './natlook/conntrack_pf.ts';

export interface Task {
  /** Who is asked: connection tracking, or a pf that knows what connection tracking knows. */
  readonly of: 'conntrack' | 'pf';
  /** Of the listeners on 127.0.0.1 and ::1. */
  readonly port: number;
  /** Of a listener on ::, where IPv4 clients arrive as IPv4-mapped addresses. */
  readonly dualPort: number;
  readonly targets: readonly (readonly [host: string, port: number])[];
  /** How often to ask again, over all connections in turn. */
  readonly rounds: number;
}

export interface Report {
  /** By target, in order: `address:port`, `untracked`, or an error's code; and what isOwnListener said of it. */
  readonly connections: readonly (readonly [destination: string, own: boolean])[];
  /** How many answers of the rounds were not the first answer again. */
  readonly wrong: number;
  /** How many first answers have other bytes after the rounds. */
  readonly changed: number;
  /** The answer for a connection that is closed already. */
  readonly closed: string;
}

interface Connection {
  readonly server: Socket;
  readonly family: 4 | 6;
  readonly answer: Endpoint | string;
  readonly text: string;
}

const { of, port, dualPort, targets, rounds } = (await Bun.stdin.json()) as Task;

const destinations = await openOriginalDestinations({
  runner: systemRunner,
  log: silent,
  pf: conntrackPf(),
});
const originalDestination = of === 'pf' ? destinations.originalDestination : ofConntrack;

let accepted = Promise.withResolvers<Socket>();
const socket = { open: (server: Socket) => accepted.resolve(server), data() {} };
using _v4 = Bun.listen({ hostname: '127.0.0.1', port, socket });
using _v6 = Bun.listen({ hostname: '::1', port, socket });
using _dual = Bun.listen({ hostname: '::', port: dualPort, socket });

function ask(server: Socket, family: 4 | 6): Endpoint | string {
  try {
    const found = originalDestination(descriptor(server), family);
    if (found instanceof Promise) throw new TypeError('a promise');
    return found ?? 'untracked';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function textOf(answer: Endpoint | string): string {
  return typeof answer === 'string' ? answer : formatEndpoint(answer);
}

const clients: Socket[] = [];
const connections: Connection[] = [];
for (const [hostname, port] of targets) {
  accepted = Promise.withResolvers();
  clients.push(await Bun.connect({ hostname, port, socket: { data() {} } }));
  const server = await accepted.promise;
  const { family } = parseAddress(hostname)!;
  const answer = ask(server, family);
  connections.push({ server, family, answer, text: textOf(answer) });
}

let wrong = 0;
for (let i = 0; i < rounds; i++) {
  const { server, family, text } = connections[i % connections.length]!;
  if (textOf(ask(server, family)) !== text) wrong++;
  if (i % 5000 === 0) Bun.gc(true);
}

const { server, family } = connections[0]!;
server.terminate();
const report: Report = {
  connections: connections.map(({ answer, text }) => [
    text,
    typeof answer !== 'string' && isOwnListener(answer, port),
  ]),
  wrong,
  changed: connections.filter(({ answer, text }) => textOf(answer) !== text).length,
  closed: textOf(ask(server, family)),
};
process.stdout.write(JSON.stringify(report));
for (const client of clients) client.terminate();
destinations.close();
