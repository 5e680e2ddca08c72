/** Certificates of an authority of our own, made by openssl: one that is good, and those that must be refused. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The name that they are for. */
export const NAME = 'dns.test';

export const KINDS = ['good', 'expired', 'otherName', 'selfSigned'] as const;
export type Kind = (typeof KINDS)[number];

export interface Certificates extends AsyncDisposable {
  /** PEM file of the authority that has signed all but one. */
  readonly authority: string;
  /** PEM files, by kind. */
  certificate(kind: Kind): string;
  key(kind: Kind): string;
}

const SUBJECTS: Readonly<Record<Kind, { readonly names: string; readonly days: number }>> = {
  good: { names: `DNS:${NAME},IP:127.0.0.1,IP:::1`, days: 2 },
  // From now to yesterday.
  expired: { names: `DNS:${NAME},IP:127.0.0.1`, days: -1 },
  otherName: { names: 'DNS:other.test,IP:192.0.2.1', days: 2 },
  selfSigned: { names: `DNS:${NAME},IP:127.0.0.1`, days: 2 },
};

export async function createCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'snet-certificates-'));
  const file = (name: string) => join(folder, name);
  const [authority, authorityKey] = [file('authority.pem'), file('authority.key')];
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl([
    'req',
    '-x509',
    ...fresh,
    '-keyout',
    authorityKey,
    '-out',
    authority,
    '-subj',
    '/CN=authority',
  ]);
  await Promise.all(
    KINDS.map(async (kind) => {
      const { names, days } = SUBJECTS[kind];
      const subject = [...fresh, '-keyout', file(`${kind}.key`), '-subj', `/CN=${kind}`];
      if (kind === 'selfSigned') {
        return openssl([
          'req',
          '-x509',
          ...subject,
          '-out',
          file(`${kind}.pem`),
          '-addext',
          `subjectAltName=${names}`,
        ]);
      }
      await Bun.write(file(`${kind}.ext`), `subjectAltName=${names}\n`);
      await openssl(['req', ...subject, '-out', file(`${kind}.csr`)]);
      const signing = [
        '-CA',
        authority,
        '-CAkey',
        authorityKey,
        '-set_serial',
        String(KINDS.indexOf(kind) + 1),
      ];
      const files = [
        '-in',
        file(`${kind}.csr`),
        '-out',
        file(`${kind}.pem`),
        '-extfile',
        file(`${kind}.ext`),
      ];
      return openssl(['x509', '-req', ...files, ...signing, '-days', String(days)]);
    }),
  );
  return {
    authority,
    certificate: (kind) => file(`${kind}.pem`),
    key: (kind) => file(`${kind}.key`),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function openssl(args: readonly string[]): Promise<void> {
  const child = Bun.spawn(['openssl', ...args], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`openssl ${args.join(' ')}: ${said}`);
}
