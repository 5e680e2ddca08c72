/** The far end's configuration, of a file. Nothing else of the file is looked at but by its form. */
import { dirname, resolve as absolute } from 'node:path';
import { isObject, overlay, type Document, type Override } from './document.ts';
import { ConfigError } from './error.ts';
import { parse, readByAll, type Text } from './load.ts';
import { problemsOfListeners } from './named_files.ts';
import { readTextFile } from './read_file.ts';
import { checkedFile } from './resolve.ts';
import type { ServerConfig } from './server_config.ts';
import { serverConfigOf } from './server_form.ts';

export interface LoadedServer {
  readonly config: ServerConfig;
  /** For a person: one line each, no secret. */
  readonly warnings: readonly string[];
}

/** @returns undefined if the file has none. @throws ConfigError */
export async function loadServer(
  file: string,
  overrides: readonly Override[] = [],
): Promise<LoadedServer | undefined> {
  const { text, worldReadable } = await readTextFile(file);
  const document = overlay(parse(file, text), overrides);
  if (isObject(document.value) && !('server' in document.value)) return undefined;
  const config = serverOf(document, dirname(absolute(file)));
  const problems = await problemsOfListeners(config.listeners, document);
  if (problems.length > 0) throw new ConfigError('ERR_CONFIG_READ', problems);
  return { config, warnings: worldReadable ? [readByAll(file)] : [] };
}

/** The same, of a text in memory; files that it names are not looked at. @throws ConfigError */
export function loadServerText({ name, text, overrides = [], folder = process.cwd() }: Text): ServerConfig {
  return serverOf(overlay(parse(name, text), overrides), folder);
}

/** The same, of a document that has one. @throws ConfigError */
export function serverOf(document: Document, folder: string): ServerConfig {
  const file = checkedFile(document);
  if (!file.server) throw new TypeError('a document without a server');
  return serverConfigOf(file, file.server, folder);
}
