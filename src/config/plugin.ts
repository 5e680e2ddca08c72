/**
 * SIP003 plugins as text: a program, and behind a ";" its options, in which `\` goes before `:`, `;`, `=` and `\` that
 * belong to a name or a value (SIP002, SIP003). The options go to the plugin as they are.
 */
import type { PluginConfig } from './config.ts';
import { Fault } from './leaf.ts';

export const PROGRAM_FORM = 'a program such as "v2ray-plugin", by its name or its absolute path';

/**
 * Plugins that a document from the net may name. Such a name becomes a program that runs as root, so that any other
 * could be `reboot`. Those of shadowsocks-libev's and shadowsocks-rust's users, by their usual names.
 */
const WELL_KNOWN: readonly string[] = [
  'obfs-local',
  'simple-obfs',
  'v2ray-plugin',
  'xray-plugin',
  'ck-client',
  'gost-plugin',
  'kcptun',
  'mos-tls-tunnel',
  'qtun-client',
  'shadow-tls',
];

/** @param text `program;options`, e.g. the value of `plugin=` in a share link */
export function parsePlugin(text: string): PluginConfig | Fault {
  const [, name = '', options] = /^((?:[^;\\]|\\.)*)(?:;(.*))?$/s.exec(text) ?? [];
  const program = parseProgram(name.replace(/\\(.)/gs, '$1'));
  if (program instanceof Fault) return program;
  return { program, options: options || undefined };
}

/** What {@link parsePlugin} reads as the same. */
export function formatPlugin({ program, options }: PluginConfig): string {
  const name = program.replace(/[:;=\\]/g, '\\$&');
  return options === undefined ? name : `${name};${options}`;
}

/** A name to be found in PATH, or an absolute path: never one that depends on the current directory. */
export function parseProgram(text: string): string | Fault {
  const isName = text !== '' && !text.includes('/') && text !== '.' && text !== '..';
  const isRight = (isName || (text.startsWith('/') && !text.endsWith('/'))) && !text.includes('\0');
  return isRight && !text.startsWith('-') ? text : new Fault(PROGRAM_FORM);
}

/** Refuses all but {@link WELL_KNOWN}. */
export function wellKnown(plugin: PluginConfig): PluginConfig | Fault {
  if (WELL_KNOWN.includes(plugin.program)) return plugin;
  return new Fault(`one of ${WELL_KNOWN.join(', ')} as its plugin`, {
    found: 'another program',
    hint: 'a document from the net may not name any program to be run; a server of your own file may',
  });
}
