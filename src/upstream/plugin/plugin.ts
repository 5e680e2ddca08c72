/**
 * A plugin of SIP003: a program of somebody's that carries Shadowsocks to its server in something else. It listens on
 * loopback, we connect there, it connects to the server. Its sockets are exempt from redirection as ours are, since a
 * child has the group of its parent.
 */
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import { formatEndpoint, sameAddress, type Endpoint } from '../../net/address.ts';
import { tyingPrefix } from './command.ts';
import { begin, type Life } from './life.ts';

export interface PluginOptions {
  /** A name or an absolute path. Never read by a shell. */
  readonly program: string;
  /** SS_PLUGIN_OPTIONS as it is. */
  readonly options: string | undefined;
  /** Addresses of the server, the best first; never empty. Asked at every start, and whether it has moved. */
  readonly remote: () => readonly Endpoint[];
}

export interface Plugin {
  /** Where to connect to in place of the server. Another port after each restart. */
  readonly endpoint: Endpoint;
  /** Ends it; SIGTERM is out when this returns. Resolves when it has ended. */
  stop(): Promise<void>;
}

/** In milliseconds. */
export interface PluginTiming {
  /** How long a plugin may take to listen. */
  readonly patience: number;
  /** From SIGTERM to SIGKILL. */
  readonly grace: number;
  /** From its death to its next start; twice as long each time, up to `pauseMax`. */
  readonly pause: number;
  readonly pauseMax: number;
  /** After a life of this length the first pause is the short one again. */
  readonly steady: number;
  /** How often it is looked whether the server has moved. */
  readonly look: number;
}

const TIMING: PluginTiming = {
  patience: 10_000,
  grace: 2_000,
  pause: 250,
  pauseMax: 30_000,
  steady: 60_000,
  look: 10_000,
};

/**
 * Starts a plugin, waits until it accepts connections, and from then on starts it again whenever it dies.
 * @throws PluginError if it isn't there, dies at once, or does not listen; nothing runs then
 */
export async function startPlugin(
  { program, options, remote }: PluginOptions,
  runner: Runner,
  log: Log,
  timing: PluginTiming = TIMING,
): Promise<Plugin> {
  const stopping = new AbortController();
  const prefix = await tyingPrefix(runner, program, log);
  const start = () =>
    begin({ program, options, prefix, ...timing }, remote()[0]!, runner, log, stopping.signal);

  let life = await start();
  log.info('the plugin runs', fieldsOf(program, life));
  const standing = keepAlive();

  async function keepAlive(): Promise<void> {
    for (let pause = timing.pause; ;) {
      const since = performance.now();
      const death = await deathOf(program, life, remote, log, timing.look);
      if (stopping.signal.aborted) return;
      if (performance.now() - since >= timing.steady) ({ pause } = timing);
      if (death !== undefined)
        log.warn('the plugin died; it is started again', { plugin: program, reason: death, pause });
      for (let next: Life | undefined; next === undefined;) {
        await sleepUnless(stopping.signal, pause);
        if (stopping.signal.aborted) return;
        pause = Math.min(2 * pause, timing.pauseMax);
        try {
          next = life = await start();
          log.info('the plugin runs again', fieldsOf(program, life));
        } catch (error) {
          if (stopping.signal.aborted) return;
          log.warn('the plugin does not start', { plugin: program, reason: explain(error), pause });
        }
      }
    }
  }

  return {
    get endpoint() {
      return life.endpoint;
    },
    async stop() {
      stopping.abort();
      await life.end();
      await standing;
    },
  };
}

/**
 * Waits for a plugin's end. It knows one address: it is ended when that is the server's no more, looked at every `look`
 * milliseconds.
 * @returns what it died of; undefined if that was us
 */
async function deathOf(
  plugin: string,
  life: Life,
  remote: () => readonly Endpoint[],
  log: Log,
  look: number,
): Promise<string | undefined> {
  let moved = false;
  const watch = setInterval(() => {
    if (moved || remote().some(({ address }) => sameAddress(address, life.remote.address))) return;
    moved = true;
    log.info('the server has moved: its plugin is started again', fieldsOf(plugin, life));
    void life.end();
  }, look);
  watch.unref();
  const death = await life.ended;
  clearInterval(watch);
  return moved ? undefined : death;
}

function fieldsOf(plugin: string, { endpoint, remote }: Life) {
  return { plugin, listens: formatEndpoint(endpoint), server: formatEndpoint(remote) };
}

/** Waits, but no longer than until the signal. */
async function sleepUnless(signal: AbortSignal, ms: number): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const wake = () => resolve();
  signal.addEventListener('abort', wake, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
}
