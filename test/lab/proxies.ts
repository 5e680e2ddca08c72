/** HTTP and SOCKS5 proxies that nobody here wrote, for the far end of the lab; each with the log of what it did. */
import { X509Certificate } from 'node:crypto';
import { chmod, readFile, rm } from 'node:fs/promises';
import { eventually } from './eventually.ts';
import { FAR } from './internet.ts';
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

export interface ProxyOptions {
  /** A folder of the test: for its configuration. */
  readonly folder: string;
  readonly port: number;
  /** Who may use it; undefined: all. */
  readonly login?: Login;
  /** A destination that its rules forbid, an address. */
  readonly forbidden?: string;
}

/** PEM files, and the SHA-256 of the certificate in hexadecimal digits. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
  readonly pin: string;
}

/** Makes a certificate that nobody has signed but its own key. @param address that it is for */
export async function createIdentity(ns: Netns, folder: string, address = FAR.v4): Promise<Identity> {
  const [certificate, key] = [`${folder}/proxy.pem`, `${folder}/proxy.key`];
  const fresh = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-addext',
    `subjectAltName=IP:${address}`,
  ];
  await ns.must([
    'openssl',
    'req',
    '-x509',
    ...fresh,
    '-subj',
    '/CN=proxy',
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  const { fingerprint256 } = new X509Certificate(await readFile(certificate));
  return { certificate, key, pin: fingerprint256.replaceAll(':', '').toLowerCase() };
}

export interface SquidOptions extends ProxyOptions {
  readonly identity?: Identity;
  /** Another port, with TLS. */
  readonly also?: { readonly port: number; readonly identity: Identity };
}

let squids = 0;

/** Squid, with TLS if it is given an identity. `log` reads what it did, a line a request. */
export async function startSquid(
  ns: Netns,
  { folder, port, login, forbidden, identity, also }: SquidOptions,
): Promise<Program & { log(): Promise<string> }> {
  const log = `${folder}/squid.log`;
  const lines = [
    squidPort(port, identity),
    ...(also ? [squidPort(also.port, also.identity)] : []),
    'pid_filename none',
    `coredump_dir ${folder}`,
    'cache deny all',
    `access_log stdio:${log}`,
    'cache_log /dev/null',
    'netdb_filename none',
    'memory_cache_shared off',
    'shutdown_lifetime 1 seconds',
  ];
  if (forbidden !== undefined) lines.push(`acl forbidden dst ${forbidden}`, 'http_access deny forbidden');
  if (login) {
    const hash = (await ns.must(['openssl', 'passwd', '-apr1', login.password])).trim();
    await Bun.write(`${folder}/passwd`, `${login.user}:${hash}\n`);
    lines.push(
      `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/passwd`,
      'acl known proxy_auth REQUIRED',
      'http_access allow known',
      'http_access deny all',
    );
  } else lines.push('http_access allow all');
  await Bun.write(`${folder}/squid.conf`, `${lines.join('\n')}\n`);
  await Bun.write(log, '');
  // It gives up being root, for the user proxy.
  await chmod(folder, 0o755);
  await ns.must(['chown', 'proxy', log]);
  // Its shared memory is the machine's, by this name, and stays when it is killed.
  const name = `snet${process.pid}x${squids++}`;
  const squid = start(ns, ['squid', '-N', '-d1', '-n', name, '-f', `${folder}/squid.conf`]);
  await listening(ns, port);
  return {
    ...squid,
    log: () => readFile(log, 'utf8'),
    async [Symbol.asyncDispose]() {
      await squid[Symbol.asyncDispose]();
      for (const one of ['cf__metadata', 'cf__queues', 'cf__readers', 'tls_session_cache'])
        await rm(`/dev/shm/${name}-${one}.shm`, { force: true });
    },
  };
}

function squidPort(port: number, identity?: Identity): string {
  if (identity === undefined) return `http_port ${port}`;
  return `https_port ${port} tls-cert=${identity.certificate} tls-key=${identity.key}`;
}

export async function startTinyproxy(
  ns: Netns,
  { folder, port, login, forbidden }: ProxyOptions,
): Promise<Program> {
  const lines = [`Port ${port}`, 'Listen 0.0.0.0', 'Timeout 600', 'LogLevel Connect', 'MaxClients 200'];
  if (login) lines.push(`BasicAuth ${login.user} ${login.password}`);
  if (forbidden !== undefined) {
    await Bun.write(`${folder}/filter`, `${forbidden.replaceAll('.', '\\.')}\n`);
    lines.push(`Filter "${folder}/filter"`, 'FilterURLs Off');
  }
  await Bun.write(`${folder}/tinyproxy.conf`, `${lines.join('\n')}\n`);
  const tinyproxy = start(ns, ['tinyproxy', '-d', '-c', `${folder}/tinyproxy.conf`]);
  await listening(ns, port);
  return tinyproxy;
}

/** Dante, which knows the users of the machine: `login` becomes one inside of the namespace. */
export async function startDante(
  ns: Netns,
  { folder, port, login, forbidden }: ProxyOptions,
): Promise<Program> {
  if (login) {
    const hash = (await ns.must(['openssl', 'passwd', '-6', login.password])).trim();
    const [passwd, shadow] = await Promise.all(
      ['passwd', 'shadow'].map((name) => readFile(`/etc/${name}`, 'utf8')),
    );
    await ns.etc('passwd', `${passwd}${login.user}:x:4242:4242::/:/bin/false\n`);
    await ns.etc('shadow', `${shadow}${login.user}:${hash}:20000::::::\n`);
  }
  const block = (rule: string, to: string, verdict: string) =>
    `${rule} ${verdict} { from: 0.0.0.0/0 to: ${to} log: connect error }`;
  const lines = [
    'logoutput: stderr',
    `internal: 0.0.0.0 port = ${port}`,
    `internal: ::0 port = ${port}`,
    'external: uplink',
    'clientmethod: none',
    `socksmethod: ${login ? 'username' : 'none'}`,
    'user.privileged: root',
    'user.unprivileged: root',
    block('client', '0.0.0.0/0', 'pass'),
    block('client', '::/0', 'pass').replace('0.0.0.0/0', '::/0'),
    ...(forbidden === undefined ? [] : [block('socks', `${forbidden}/32`, 'block')]),
    block('socks', '0.0.0.0/0', 'pass'),
    block('socks', '::/0', 'pass').replace('0.0.0.0/0', '::/0'),
    'socks pass { from: 0.0.0.0/0 to: ::/0 }',
  ];
  await Bun.write(`${folder}/danted.conf`, `${lines.join('\n')}\n`);
  await chmod(folder, 0o755);
  const dante = start(ns, ['danted', '-f', `${folder}/danted.conf`, '-p', `${folder}/danted.pid`]);
  await dante.says(/running/);
  return {
    ...dante,
    async [Symbol.asyncDispose]() {
      // Its connections belong to children, which outlive it.
      const pids = (await ns.must(['ip', 'netns', 'pids', ns.name])).split('\n').filter(Boolean);
      for (const pid of pids) {
        const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
        if (name.trim() !== 'danted') continue;
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // It has ended by itself meanwhile.
        }
      }
      await dante[Symbol.asyncDispose]();
    },
  };
}

/** Microsocks: SOCKS5 with RFC 1929. */
export async function startMicrosocks(
  ns: Netns,
  { port, login }: { readonly port: number; readonly login?: Login },
): Promise<Program> {
  const who = login ? ['-u', login.user, '-P', login.password] : [];
  const microsocks = start(ns, ['microsocks', '-i', '0.0.0.0', '-p', String(port), ...who]);
  await listening(ns, port);
  return microsocks;
}

export interface StunnelOptions extends Pick<ProxyOptions, 'folder' | 'port'> {
  /** Port of whoever it stands before. */
  readonly to: number;
  readonly identity: Identity;
  /** PEM file of the authority that has to have signed the clients' certificates; undefined: they need none. */
  readonly clientsOf?: string;
}

/** Stunnel: TLS on `port`, plain to `to` of the same namespace. */
export async function startStunnel(
  ns: Netns,
  { folder, port, to, identity, clientsOf }: StunnelOptions,
): Promise<Program> {
  const lines = [
    'foreground = yes',
    'pid =',
    'debug = info',
    '[tunnel]',
    `accept = :::${port}`,
    `connect = 127.0.0.1:${to}`,
    `cert = ${identity.certificate}`,
    `key = ${identity.key}`,
  ];
  if (clientsOf !== undefined) lines.push(`CAfile = ${clientsOf}`, 'verifyChain = yes');
  await Bun.write(`${folder}/stunnel.conf`, `${lines.join('\n')}\n`);
  const stunnel = start(ns, ['stunnel', `${folder}/stunnel.conf`]);
  await stunnel.says(/Configuration successful/);
  await listening(ns, port);
  return stunnel;
}

async function listening(ns: Netns, port: number): Promise<void> {
  const listeners = () => ns.must(['ss', '-Hltn', `sport = :${port}`]);
  await eventually(`somebody to listen at port ${port}`, async () => (await listeners()) !== '');
}
