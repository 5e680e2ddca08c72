/** Shadowsocks servers that nobody here wrote, for the far end of the lab. */
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';

export interface Server {
  readonly method: string;
  readonly password: string;
  readonly port: number;
}

export const SERVER: Server = { method: 'aes-256-gcm', password: 'correct horse', port: 8388 };

/**
 * Starts shadowsocks-libev's server, on all addresses of both families.
 * @param idleSeconds after which it ends a connection on which nothing moves
 */
export async function startServer(
  ns: Netns,
  { method, password, port }: Server = SERVER,
  idleSeconds = 60,
): Promise<Program> {
  const listen = ['-s', '0.0.0.0', '-s', '::0', '-p', String(port)];
  const argv = ['ss-server', ...listen, '-m', method, '-k', password, '-t', String(idleSeconds)];
  const server = start(ns, argv);
  await server.says(/listening at .*\n.*listening at /);
  return server;
}

/** The share link of a server at `host`. */
export function shareLink(host: string, { method, password, port }: Server = SERVER): string {
  const at = host.includes(':') ? `[${host}]` : host;
  return `ss://${method}:${encodeURIComponent(password)}@${at}:${port}`;
}

const HALF_CLOSING = new URL('half_closing_server.ts', import.meta.url).pathname;

/** Starts a server that passes on the end of one direction while the other goes on. */
export async function startHalfClosingServer(ns: Netns, port: number): Promise<Program> {
  const { method, password } = SERVER;
  const server = start(ns, [process.execPath, HALF_CLOSING, method, password, String(port)]);
  await server.says(/^ready$/m);
  return server;
}
