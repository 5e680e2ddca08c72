/** One run of a plugin, from its start to its end. */
import type { Log } from '../../base/log.ts';
import type { Child, Runner } from '../../base/runner.ts';
import type { Endpoint } from '../../net/address.ts';
import { locatePlugin } from './command.ts';
import { pluginEnvironment } from './environment.ts';
import { hear } from './last_words.ts';
import { accepting, freeEndpoint } from './local_port.ts';
import { PluginError } from './plugin_error.ts';
import { redactorOf } from './redact.ts';

export interface Life {
  /** Where it listens. */
  readonly endpoint: Endpoint;
  /** Where it goes. */
  readonly remote: Endpoint;
  /** How it ended: `exit code 1: its last words`, without secrets. */
  readonly ended: Promise<string>;
  /** Ends it: SIGTERM at once, SIGKILL if that is not enough. Resolves when it has ended. */
  end(): Promise<void>;
}

export interface LifeOptions {
  /** A name or an absolute path. */
  readonly program: string;
  /** SS_PLUGIN_OPTIONS. */
  readonly options: string | undefined;
  /** What goes before the program's path: {@link tyingPrefix}. */
  readonly prefix: readonly string[];
  /** Milliseconds to begin to listen. */
  readonly patience: number;
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly grace: number;
}

/**
 * Starts a plugin and waits until it accepts connections.
 * @param signal gives up, and ends it
 * @throws PluginError; it doesn't run then
 */
export async function begin(
  { program, options, prefix, patience, grace }: LifeOptions,
  remote: Endpoint,
  runner: Runner,
  log: Log,
  signal: AbortSignal,
): Promise<Life> {
  const path = locatePlugin(program);
  const endpoint = freeEndpoint();
  const redact = redactorOf(options);
  let child: Child;
  try {
    // Detached: a Ctrl-C in our terminal is for us, and we end the plugin when its last connection is over.
    const env = pluginEnvironment(remote, endpoint, options);
    child = runner.start([...prefix, path], { env, detached: true });
  } catch (cause) {
    throw new PluginError('ERR_PLUGIN_START', `the plugin ${path} could not be started`, { cause });
  }
  const lastWords = hear(child, program, redact, log);
  const ended = (async () => `exit code ${await child.exited}: ${await lastWords()}`)();
  const end = () => endOf(child, grace);

  const waiting = new AbortController();
  const giveUp = () => waiting.abort();
  const timer = setTimeout(giveUp, patience);
  signal.addEventListener('abort', giveUp);
  let hasExited = false;
  void (async () => {
    await child.exited;
    hasExited = true;
    giveUp();
  })();
  const listens = await accepting(endpoint.port, waiting.signal);
  clearTimeout(timer);
  signal.removeEventListener('abort', giveUp);
  if (listens) return { endpoint, remote, ended, end };
  if (hasExited)
    throw new PluginError('ERR_PLUGIN_EXITED', `the plugin ${path} ended at once, ${await ended}`);
  await end();
  throw new PluginError(
    'ERR_PLUGIN_TIMEOUT',
    `the plugin ${path} did not listen on its port within ${patience / 1000} s: ${await lastWords()}`,
  );
}

async function endOf(child: Child, grace: number): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), grace);
  await child.exited;
  clearTimeout(timer);
}
