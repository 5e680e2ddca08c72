/**
 * Where a running snet can be asked about itself: HTTP on a Unix socket that only root can open. Nothing can be changed
 * by it, and nothing secret is in its answers.
 *
 *     GET /status                      what runs, since when, and how much
 *     GET /dns?name=NAME&type=TYPE     what a name is answered with, and why; &anew=1 asks whatever the cache has
 */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { instanceFile } from '../base/instance_lock.ts';
import { typeNumber } from '../dns/wire/constants.ts';
import { explain, SnetError } from '../base/errors.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { DnsStatus } from './dns_service.ts';
import type { FlowSnapshot } from '../stats/flow_stats.ts';
import type { UpstreamStatus } from './upstreams/build.ts';
import { reportOf } from './name_report.ts';
import type { ServerState } from './server/start.ts';

export interface Status {
  readonly version: string;
  readonly pid: number;
  /** Seconds. */
  readonly uptime: number;
  readonly mechanism: string;
  readonly upstream: string;
  /** Each of them. */
  readonly upstreams: readonly UpstreamStatus[];
  readonly scope: string;
  readonly dns: DnsStatus | undefined;
  readonly flows: FlowSnapshot;
}

/** Of `snet server`. */
export interface ServerStatus extends ServerState {
  readonly version: string;
  readonly pid: number;
  /** Seconds. */
  readonly uptime: number;
}

export interface Controlled {
  status(): Status | ServerStatus;
  /** undefined: this snet leaves names alone. */
  readonly explain: Resolver['explain'] | undefined;
}

/** What stands in place of an answer. */
export interface ControlFault {
  readonly status: string;
  readonly message: string;
}

export class ControlError extends SnetError<'ERR_CONTROL'> {}

/** Of the snet of this network. Whoever makes it holds the instance lock. */
export function controlPath(): string {
  return instanceFile('sock');
}

/** @throws ControlError if the socket can't be made */
export function serveControl(controlled: Controlled, path = controlPath()): { stop(): Promise<void> } {
  try {
    // What a killed snet left: a socket's file outlives its process. Nothing else is ours to remove.
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) throw new Error('it is no socket');
    rmSync(path, { force: true });
    const server = Bun.serve({
      unix: path,
      fetch: (request) => answer(new URL(request.url), controlled),
      error: (error) => fault(500, 'ERR_INTERNAL', explain(error)),
    });
    chmodSync(path, 0o600);
    return {
      async stop() {
        await server.stop(true);
        rmSync(path, { force: true });
      },
    };
  } catch (cause) {
    throw new ControlError('ERR_CONTROL', `the control socket ${path} can't be made`, { cause });
  }
}

async function answer({ pathname, searchParams }: URL, controlled: Controlled): Promise<Response> {
  if (pathname === '/status') return Response.json(controlled.status());
  if (pathname !== '/dns') return fault(404, 'ERR_CONTROL_PATH', `there is no ${pathname}`);
  if (!controlled.explain) return fault(409, 'ERR_CONTROL_NO_DNS', 'this snet runs without its resolver');
  const name = searchParams.get('name') ?? '';
  const type = typeNumber(searchParams.get('type') ?? 'A');
  if (type === undefined) return fault(400, 'ERR_CONTROL_TYPE', 'no type of records has that name');
  const explanation = await controlled.explain(name, type, { anew: searchParams.has('anew') });
  if (!explanation) return fault(400, 'ERR_CONTROL_NAME', 'that can be no name');
  return Response.json(reportOf(name, type, explanation));
}

function fault(code: number, status: string, message: string): Response {
  return Response.json({ status, message } satisfies ControlFault, { status: code });
}
