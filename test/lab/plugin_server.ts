/** Shadowsocks servers behind the server's end of a SIP003 plugin. */
import { eventually } from './eventually.ts';
import type { Netns } from './netns.ts';
import { start } from './program.ts';
import type { Server } from './upstream.ts';

/**
 * Starts shadowsocks-libev's server with a plugin, on all addresses of both families.
 * @returns what ends both: the server must do that itself, or its plugin stays, and shares the port with the next one
 */
export async function startPluginServer(
  ns: Netns,
  { method, password, port }: Server,
  plugin: string,
  options: string,
): Promise<AsyncDisposable> {
  const listen = ['-s', '0.0.0.0', '-s', '::0', '-p', String(port), '-m', method, '-k', password];
  const program = start(ns, ['ss-server', ...listen, '--plugin', plugin, '--plugin-opts', options]);
  const isListening = async () => (await ns.must(['ss', '-Hltn', `sport = :${port}`])) !== '';
  await eventually(`${plugin} to listen`, isListening);
  return {
    async [Symbol.asyncDispose]() {
      program.signal('SIGTERM');
      await program.ended();
      await eventually(`${plugin} to end`, async () => !(await isListening()));
    },
  };
}
