/** Shadowsocks servers that nobody here wrote, for the far end of the lab. */
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';
import { startSnetServer } from './snet.ts';

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

/**
 * Starts our own server. Unlike shadowsocks-libev's, which takes the end of one direction for the end of both, it passes
 * the end of one direction on while the other goes on.
 */
export async function startHalfClosingServer(ns: Netns, port: number): Promise<Program> {
  const { method, password } = SERVER;
  // The greeter has the port of mail.
  return startSnetServer(ns, ['--method', method, '--listen', String(port), '--ports', '1-65535'], {
    env: { SNET_PASSWORD: password },
  });
}
