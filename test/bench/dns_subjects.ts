/** What is compared: snet's resolver and dnsmasq, each given what is sent to port 53, each asking the same server. */
import { writeFile } from 'node:fs/promises';
import type { Netns } from '../lab/netns.ts';
import { start } from '../lab/program.ts';
import { ZONE } from './dns_names.ts';
import { PASSWORD, type Server } from './subjects.ts';

const DNS_PORT = 1053;

export interface DnsSubject {
  readonly name: string;
  /**
   * From then on it answers what is sent from `client` to port 53 of any address but the resolver's.
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
  async start(client, resolver) {
    // It has no rules of its own, and can't tell its own queries by their group as snet does.
    const ruleset = [
      'table ip bench { chain output {',
      'type nat hook output priority -100;',
      `ip daddr ${resolver} return;`,
      `udp dport 53 redirect to :${DNS_PORT};`,
      '}',
      '}',
      '',
    ].join('\n');
    await client.must(['nft', '-f', '-'], { stdin: ruleset });
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
    return running(client, argv, /using nameserver/, () =>
      client.must(['nft', 'delete', 'table', 'ip', 'bench']),
    );
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
      return running(client, [binary, 'run', '-c', path], / ready /);
    },
  };
}

async function running(
  client: Netns,
  argv: readonly string[],
  ready: RegExp,
  undo: () => Promise<unknown> = () => Promise.resolve(),
) {
  const program = start(client, argv);
  await program.says(ready);
  return {
    pid: program.pid,
    async [Symbol.asyncDispose]() {
      if (!program.running) throw new Error(`${argv.join(' ')} ended by itself: ${program.said()}`);
      await undo();
      program.signal('SIGTERM');
      await program.ended();
    },
  };
}
