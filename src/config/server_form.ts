/** The file's `server`, to what the program uses and back. */
import { resolve as absolute } from 'node:path';
import { formatDuration } from './duration.ts';
import type { File } from './schema.ts';
import type { ListenerConfig, ServerConfig } from './server_config.ts';
import { formatListen, formatPorts } from './server_leaves.ts';
import type { ServerFile } from './server_schema.ts';

/** @param folder which relative paths begin at */
export function serverConfigOf(file: File, server: ServerFile, folder: string): ServerConfig {
  const { timeouts } = file;
  return {
    listeners: server.listeners.map((one) => located(one, folder)),
    ports: server.ports,
    allowPrivate: server['allow-private'],
    maxConnections: file['max-connections'],
    maxPerClient: server['max-per-client'],
    maxStrangers: server['max-strangers'],
    timeouts: {
      dial: timeouts.dial,
      idle: timeouts.idle,
      halfClosed: timeouts['half-closed'],
      ...server.timeouts,
    },
    control: server.control === undefined ? undefined : absolute(folder, server.control),
    aead: file.aead,
    logLevel: file.log.level,
  };
}

function located(listener: ListenerConfig, folder: string): ListenerConfig {
  if (listener.type !== 'tls') return listener;
  const { cert, key } = listener;
  return { ...listener, cert: absolute(folder, cert), key: absolute(folder, key) };
}

/** What the file would say, every default written out, secrets as objects that show nothing. */
export function serverFileOf(config: ServerConfig): Record<string, unknown> {
  const { timeouts } = config;
  return {
    server: {
      listeners: config.listeners.map(listenerFileOf),
      ports: formatPorts(config.ports),
      'allow-private': config.allowPrivate,
      'max-per-client': config.maxPerClient,
      'max-strangers': config.maxStrangers,
      timeouts: { handshake: formatDuration(timeouts.handshake), drain: formatDuration(timeouts.drain) },
      control: config.control,
    },
    timeouts: {
      dial: formatDuration(timeouts.dial),
      idle: formatDuration(timeouts.idle),
      'half-closed': formatDuration(timeouts.halfClosed),
    },
    aead: config.aead,
    'max-connections': config.maxConnections,
    log: { level: config.logLevel },
  };
}

function listenerFileOf(listener: ListenerConfig): Record<string, unknown> {
  const { type } = listener;
  const listen = formatListen(listener);
  if (listener.type === 'tls') {
    const { cert, key } = listener;
    const users = [...listener.users].map(([name, token]) => ({ name, token }));
    return { type, listen, cert, key, users };
  }
  const { method, password } = listener;
  const users = [...listener.users].map(([name, key]) => ({ name, password: key }));
  return { type, listen, method, password, users };
}
