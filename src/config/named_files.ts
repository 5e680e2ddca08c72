/**
 * Files that keys name and that the program, or an upstream of several, cannot do without: looked at while it is known where
 * the key stands.
 */
import { checkAuthorities, checkIdentity, type PemFault } from '../net/pem.ts';
import type { Config, TlsConfig, UpstreamConfig } from './config.ts';
import { dotted, type Document } from './document.ts';
import { ConfigError, type Problem } from './error.ts';
import type { Path } from './jsonc.ts';
import { readTextFile } from './read_file.ts';
import type { ListenerConfig } from './server_config.ts';

/** What is wrong with the certificates and keys. Lists are no matter: what is wrong with one is a warning. */
export interface FileProblems {
  readonly ofResolvers: readonly Problem[];
  /** Of each upstream, with those that it is reached through; in their order. */
  readonly ofUpstreams: readonly (readonly Problem[])[];
}

export async function problemsOfFiles(config: Config, document: Document): Promise<FileProblems> {
  const [ofResolvers, ...ofUpstreams] = await Promise.all(
    [faultsOfResolvers(config), ...faultsOfUpstreams(config.upstreams, document)].map((found) =>
      said(found, document),
    ),
  );
  return { ofResolvers: ofResolvers!, ofUpstreams };
}

/**
 * Looks at the files of one upstream, and of those that it is reached through, when they are wanted.
 * @throws ConfigError that knows the keys within the upstream, but not the places in the file
 */
export async function checkFilesOf(one: UpstreamConfig): Promise<void> {
  const originOf = (at: Path) => ({ where: dotted(at), key: undefined });
  const problems = await said(faultsOfUpstream([], one), { originOf });
  if (problems.length > 0) throw new ConfigError('ERR_CONFIG_READ', problems);
}

/** The same of what listens at the far end. */
export async function problemsOfListeners(
  listeners: readonly ListenerConfig[],
  document: Document,
): Promise<Problem[]> {
  const found = listeners.flatMap((one, i) =>
    one.type === 'tls' ? [faultsOfIdentity(['server', 'listeners', i], one)] : [],
  );
  return said(found, document);
}

async function said(
  found: readonly Promise<FaultyFile[]>[],
  document: Pick<Document, 'originOf'>,
): Promise<Problem[]> {
  const problems = (await Promise.all(found)).flat();
  return problems.map(({ at, path, fault }) => ({
    ...document.originOf(at),
    found: `${JSON.stringify(path)}, ${fault.found}`,
    expected: fault.expected,
    hint: fault.hint,
  }));
}

interface FaultyFile {
  readonly at: Path;
  readonly path: string;
  readonly fault: PemFault;
}

function faultsOfResolvers({ dns }: Config): Promise<FaultyFile[]>[] {
  if (!dns) return [];
  return (['china', 'trusted'] as const).flatMap((side) =>
    dns[side].flatMap(({ ca }, i) =>
      ca === undefined ? [] : [faultsOfAuthority(['dns', side, i, 'ca'], ca)],
    ),
  );
}

/** Of each. */
function faultsOfUpstreams(
  upstreams: readonly UpstreamConfig[],
  document: Document,
): Promise<FaultyFile[]>[][] {
  // One stands alone, several in a list, where subscriptions may stand between them.
  const written = (document.value as { readonly upstream?: unknown }).upstream;
  if (!Array.isArray(written)) return upstreams.map((one) => faultsOfUpstream(['upstream'], one));
  const places = written.flatMap((one: unknown, i) => (isSubscription(one) ? [] : [i]));
  return upstreams.map((one, i) => faultsOfUpstream(['upstream', places[i]!], one));
}

function isSubscription(written: unknown): boolean {
  return (written as { readonly type?: unknown } | null)?.type === 'subscription';
}

function faultsOfUpstream(at: Path, one: UpstreamConfig): Promise<FaultyFile[]>[] {
  const tls = one.type === 'http' || one.type === 'tls' ? one.tls : undefined;
  return [
    ...(tls ? [faultsOfTls([...at, 'tls'], tls)] : []),
    ...(one.via ? faultsOfUpstream([...at, 'via'], one.via) : []),
  ];
}

async function faultsOfTls(at: Path, { ca, cert, key }: TlsConfig): Promise<FaultyFile[]> {
  const faults = ca === undefined ? [] : await faultsOfAuthority([...at, 'ca'], ca);
  if (cert === undefined || key === undefined) return faults;
  return [...faults, ...(await faultsOfIdentity(at, { cert, key }))];
}

async function faultsOfIdentity(
  at: Path,
  { cert, key }: { readonly cert: string; readonly key: string },
): Promise<FaultyFile[]> {
  const faults: FaultyFile[] = [];
  const [certText, keyText] = await Promise.all([read(cert, CERTIFICATE), read(key, KEY)]);
  if (typeof certText !== 'string') faults.push({ at: [...at, 'cert'], path: cert, fault: certText });
  if (typeof keyText !== 'string') faults.push({ at: [...at, 'key'], path: key, fault: keyText });
  if (typeof certText !== 'string' || typeof keyText !== 'string') return faults;
  const wrong = checkIdentity(certText, keyText);
  if (wrong)
    faults.push({ at: [...at, wrong.at], path: wrong.at === 'cert' ? cert : key, fault: wrong.fault });
  return faults;
}

async function faultsOfAuthority(at: Path, path: string): Promise<FaultyFile[]> {
  const text = await read(path, CERTIFICATE);
  const fault = typeof text === 'string' ? checkAuthorities(text) : text;
  return fault ? [{ at, path, fault }] : [];
}

const CERTIFICATE = 'a PEM file with a certificate';
const KEY = 'a PEM file with the key of the certificate';

async function read(path: string, expected: string): Promise<string | PemFault> {
  try {
    return (await readTextFile(path)).text;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const isMissing = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    const { found, hint } = error.problems[0]!;
    const beginning = 'check the path; a relative one in a file begins at the folder of that file';
    return { found, expected, hint: isMissing ? beginning : hint };
  }
}
