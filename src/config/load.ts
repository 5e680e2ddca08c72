/** Configuration from all its sources: file, environment, command line; the later counts. */
import { dirname, resolve as absolute } from 'node:path';
import type { Config } from './config.ts';
import { dotted, overlay, type Document, type Override } from './document.ts';
import { ConfigError, type Problem } from './error.ts';
import { JsoncError, parseJsonc, type Path } from './jsonc.ts';
import { isLegacy, translate } from './legacy.ts';
import { problemsOfFiles } from './named_files.ts';
import { readTextFile } from './read_file.ts';
import { resolve, type Folders, type Resolved } from './resolve.ts';
import type { ServerConfig } from './server_config.ts';

export interface Sources {
  /** Path of the file; undefined: there is none. */
  readonly file?: string | undefined;
  readonly overrides?: readonly Override[];
}

/** `go`: a file of the Go program, translated. */
export type Format = 'snet' | 'go';

export interface Loaded {
  readonly config: Config;
  /** The far end's, if the file has one; files that it names are not looked at. */
  readonly server: ServerConfig | undefined;
  readonly format: Format;
  /** For a person: one line each, no secret. */
  readonly warnings: readonly string[];
}

export interface LoadedWithFiles extends Loaded {
  /** Files of upstreams that can't be used; there are other upstreams, which can be. */
  readonly unreadable: readonly Problem[];
}

/**
 * An upstream whose certificate or key can't be used is told of, and stays: it is for whoever uses the upstreams to leave it
 * out, since the file may be there by then.
 * @throws ConfigError, also if that is true of every upstream
 */
export async function loadConfig({ file, overrides = [] }: Sources): Promise<LoadedWithFiles> {
  if (file === undefined) return withFiles(read({ name: 'command line', text: '{}', overrides }));
  const { text, worldReadable } = await readTextFile(file);
  const loaded = await withFiles(read({ name: file, text, overrides, folder: dirname(absolute(file)) }));
  const hasPassword = !overrides.some(isUpstream);
  if (!worldReadable || !hasPassword) return loaded;
  return { ...loaded, warnings: [readByAll(file), ...loaded.warnings] };
}

async function withFiles({ document, ...loaded }: Read): Promise<LoadedWithFiles> {
  const { subscriptions } = loaded.config;
  const { ofResolvers, ofUpstreams } = await problemsOfFiles(loaded.config, document);
  const unreadable = ofUpstreams.flat();
  const isHopeless = subscriptions.length === 0 && ofUpstreams.every((problems) => problems.length > 0);
  if (isHopeless || ofResolvers.length > 0) {
    throw new ConfigError('ERR_CONFIG_READ', [...ofResolvers, ...unreadable]);
  }
  return { ...loaded, unreadable };
}

/** The warning for a file with a password in it. */
export function readByAll(file: string): string {
  return `${file}: every user of this machine can read the password in it; chmod 600 ${file}`;
}

export interface Text {
  /** What messages call it. */
  readonly name: string;
  readonly text: string;
  readonly overrides?: readonly Override[];
  /** Which relative paths begin at; left out: the working directory. */
  readonly folder?: string;
}

/** The same, of a text in memory; files that it names are not looked at. @throws ConfigError */
export function loadText(text: Text): Loaded {
  const { config, server, format, warnings } = read(text);
  return { config, server, format, warnings };
}

interface Read extends Loaded {
  readonly document: Document;
}

function read({ name, text, overrides = [], folder = process.cwd() }: Text): Read {
  const written = parse(name, text);
  // Whoever writes a path on the command line means it from where he is.
  const folders = { file: folder, upstream: overrides.some(isUpstream) ? process.cwd() : folder };
  if (!isLegacy(written.value)) {
    const document = overlay(written, overrides);
    return { format: 'snet', document, ...resolve(document, folders) };
  }
  const { document: translated, warnings, problems } = translate(written, overrides.some(isUpstream));
  const document = overlay(translated, overrides);
  const { warnings: more, ...resolved } = resolveWith(document, folders, problems);
  return { ...resolved, format: 'go', warnings: [...warnings, ...more], document };
}

function isUpstream({ path }: Override): boolean {
  return path[0] === 'upstream';
}

/** Adds what the schema finds to what the translation found. */
function resolveWith(document: Document, folders: Folders, problems: readonly Problem[]): Resolved {
  if (problems.length === 0) return resolve(document, folders);
  let more: readonly Problem[] = [];
  try {
    resolve(document, folders);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Why there is no upstream is among the problems already.
    if (error.status !== 'ERR_CONFIG_NO_UPSTREAM') more = error.problems;
  }
  throw new ConfigError('ERR_CONFIG_UNSUPPORTED', [...problems, ...more]);
}

/** The text as it was written. @throws ConfigError */
export function parse(name: string, text: string): Document {
  try {
    const { value, placeOf } = parseJsonc(text);
    const originOf = (path: Path) => {
      for (let length = path.length; length > 0; length--) {
        const place = placeOf(path.slice(0, length));
        if (place) return { where: `${name}:${place.line}:${place.column}`, key: dotted(path) };
      }
      return { where: name, key: path.length === 0 ? undefined : dotted(path) };
    };
    return { value, originOf };
  } catch (error) {
    if (!(error instanceof JsoncError)) throw error;
    const { place, found, expected, hint } = error;
    const where = `${name}:${place.line}:${place.column}`;
    throw new ConfigError('ERR_CONFIG_SYNTAX', [{ where, key: undefined, found, expected, hint }], error);
  }
}
