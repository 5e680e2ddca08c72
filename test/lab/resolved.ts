/**
 * systemd-resolved, as it is on a desktop: its stub answers on 127.0.0.53, and it asks the servers of the network. It has a
 * /run of its own, which those see that are started with {@link Resolved.beside}, and no bus.
 */
import { existsSync } from 'node:fs';
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';

const INSTALLED = '/usr/lib/systemd/systemd-resolved';
/** Where .ci/setup puts it, and the library that it needs. */
const UNPACKED = new URL('../../node_modules/.cache/systemd-resolved', import.meta.url).pathname;

/** The program; a need of the tests. */
export const RESOLVED = existsSync(INSTALLED) ? INSTALLED : `${UNPACKED}/systemd-resolved`;
export const STUB = '127.0.0.53';
/** Who asks for the stub: it gives up root. */
export const RESOLVED_UID = 64_990;

export interface ResolvedOptions {
  /** Whom it asks. */
  readonly server: string;
  /** Whose server that is: everybody's, or that of one interface, which then is all that it is asked through. */
  readonly of: 'machine' | { readonly device: string };
}

export interface Resolved extends AsyncDisposable {
  readonly program: Program;
  /** The beginning of the command line of a program that sees the same files. */
  readonly beside: readonly string[];
}

export async function startResolved(ns: Netns, { server, of }: ResolvedOptions): Promise<Resolved> {
  const index = of === 'machine' ? undefined : await interfaceIndex(ns, of.device);
  const program = start(ns, ['unshare', '--mount', 'sh', '-euc', script(server, index)], {
    env: { LD_LIBRARY_PATH: UNPACKED, SYSTEMD_LOG_TARGET: 'console' },
  });
  await program.says(/Using system hostname/);
  return {
    program,
    beside: ['nsenter', `--mount=/proc/${program.pid}/ns/mnt`],
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function interfaceIndex(ns: Netns, device: string): Promise<number> {
  const [link] = JSON.parse(await ns.must(['ip', '-json', 'link', 'show', 'dev', device]));
  return link.ifindex;
}

/** What systemd-networkd says of an interface, in its own file (sd-network). */
const LINK = ['ADMIN_STATE=configured', 'OPER_STATE=routable', 'LLMNR=no', 'MDNS=no', 'DNS='].join('\\n');

function script(server: string, index: number | undefined): string {
  const config = '[Resolve]\\nLLMNR=no\\nMulticastDNS=no\\nDNS=';
  return `
    mount --make-rprivate /
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/resolve /run/systemd/netif/links /run/systemd/resolved.conf.d /run/etc
    [ ! -d /etc/systemd ] || mount --bind /run/etc /etc/systemd
    echo 'root:x:0:0::/:/bin/sh' >/run/passwd
    echo 'systemd-resolve:x:${RESOLVED_UID}:${RESOLVED_UID}::/:/bin/false' >>/run/passwd
    mount --bind /run/passwd /etc/passwd
    chown ${RESOLVED_UID}:${RESOLVED_UID} /run/systemd/resolve
    printf '${config}${index === undefined ? server : ''}\\n' >/run/systemd/resolved.conf.d/test.conf
    ${index === undefined ? '' : `printf '${LINK}${server}\\n' >/run/systemd/netif/links/${index}`}
    exec '${RESOLVED}'
  `;
}
