/** What is compared: snet's resolver and dnsmasq, each asked on a port of loopback, each asking the same server. */
import { writeFile } from 'node:fs/promises';
import type { Netns } from '../lab/netns.ts';
import { ZONE } from './dns_names.ts';
import { lineWith, PASSWORD, type Server } from './subjects.ts';

export const DNS_PORT = 1053;

export interface DnsSubject {
  readonly name: string;
  /**
   * @param resolver whom to ask for all names, on port 53
   * @param upstream through which snet asks for foreign ones
   */
  start(
    client: Netns,
    resolver: string,
    upstream: Server,
  ): Promise<AsyncDisposable & { readonly pid: number }>;
}

export const dnsmasq: DnsSubject = {
  name: 'dnsmasq',
  start(client, resolver) {
    const alone = [
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--no-daemon',
      '--user=root',
      '--pid-file=',
    ];
    const listen = [`--port=${DNS_PORT}`, '--listen-address=127.0.0.1', '--bind-interfaces'];
    // Of itself it keeps 150 names, and asks for 150 at once.
    const room = ['--cache-size=120000', '--dns-forward-max=1000'];
    const argv = ['dnsmasq', ...alone, ...listen, ...room, `--server=${resolver}`];
    return running(client, argv, 'using nameserver');
  },
};

/** The compiled binary, so that what is measured is what is shipped. */
export function snetDns(binary: string): DnsSubject {
  return {
    name: 'snet',
    async start(client, resolver, { address, port, method }) {
      const config = {
        upstream: { type: 'shadowsocks', server: address, port, method, password: PASSWORD },
        dns: {
          port: DNS_PORT,
          china: [`udp://${resolver}`],
          trusted: [`tcp://${resolver}`],
          names: { china: [`*.china.${ZONE}`], foreign: [`*.foreign.${ZONE}`] },
          cache: { directory: false },
        },
      };
      const path = `/tmp/snet-bench-dns-${process.pid}.json`;
      await writeFile(path, JSON.stringify(config));
      return running(client, [binary, 'run', '-c', path], ' ready ');
    },
  };
}

async function running(client: Netns, argv: readonly string[], ready: string) {
  // `ip netns exec` becomes the program that it runs: its pid is the program's.
  const child = client.spawn(argv);
  await lineWith(child.stderr, ready);
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}
