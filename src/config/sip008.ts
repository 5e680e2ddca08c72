/** SIP008, a document of Shadowsocks servers: https://shadowsocks.org/doc/sip008.html */
import type { ShadowsocksConfig } from './config.ts';
import { isObject } from './document.ts';
import { HOST_FORM, parseHost } from './host.ts';
import { Fault, shown } from './leaf.ts';
import { parseProgram } from './plugin.ts';
import { checkedPassword } from './shadowsocks_key.ts';
import { parseMethod } from './shadowsocks_methods.ts';

/** Is it meant to be one? */
export function isSip008(value: unknown): value is Record<string, unknown> {
  return isObject(value) && 'version' in value && 'servers' in value;
}

/** Each server of a document, or why it is none. Keys that are not known are ignored, as SIP008 says. */
export function sip008Servers(document: Record<string, unknown>): (ShadowsocksConfig | Fault)[] | Fault {
  const { version, servers } = document;
  if (version !== 1) return new Fault('version 1 of SIP008', { found: `version ${shown(version)}` });
  if (!Array.isArray(servers)) return new Fault('a list of servers', { found: shown(servers) });
  return servers.map(serverOf);
}

function serverOf(entry: unknown): ShadowsocksConfig | Fault {
  if (!isObject(entry)) return new Fault('an object { … }', { found: shown(entry) });
  const { server: host, server_port: port, method: name, password: text, remarks } = entry;
  const server = typeof host === 'string' ? parseHost(host) : new Fault(HOST_FORM, { found: shown(host) });
  if (server instanceof Fault) return as('server', server, host);
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) {
    return new Fault('a port, 1 to 65535, as server_port', { found: shown(port) });
  }
  const method = typeof name === 'string' ? parseMethod(name) : new Fault('a text', { found: shown(name) });
  if (method instanceof Fault) return as('method', method, name);
  if (typeof text !== 'string' || text === '') {
    const found = text === '' ? 'an empty one' : text === undefined ? 'none' : `a ${typeof text}`;
    return new Fault('a text as password', { found });
  }
  const password = checkedPassword(method, text, false);
  if (password instanceof Fault) return password;
  const plugin = pluginOf(entry);
  if (plugin instanceof Fault) return plugin;
  const tag = typeof remarks === 'string' && remarks !== '' ? remarks : undefined;
  return { type: 'shadowsocks', server, port, method, password, plugin, tag, via: undefined, names: false };
}

function pluginOf(entry: Record<string, unknown>): ShadowsocksConfig['plugin'] | Fault {
  const { plugin: name = '', plugin_opts: options = '' } = entry;
  if (name === '' || name === null) return undefined;
  const program = typeof name === 'string' ? parseProgram(name) : new Fault('a text', { found: shown(name) });
  if (program instanceof Fault) return as('plugin', program, name);
  if (options !== null && typeof options !== 'string') {
    return new Fault('a text as plugin_opts', { found: 'something else' });
  }
  return { program, options: options || undefined };
}

function as(key: string, { expected, found }: Fault, value: unknown): Fault {
  return new Fault(`${expected} as ${key}`, { found: found ?? shown(value) });
}
