/** Connections that nftables has redirected, as `pfctl -s state` lists those that pf has. */
import { formatAddress, parseAddress, type Address } from '../../../src/net/address.ts';

/** The listing of conntrack(8): ends of the packets that were sent, then those of the answers. */
const FLOW =
  /^tcp +\d+ \d+ ([A-Z_0-9]+) src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+)/;

/**
 * Each redirected connection has two states there, that of the rule which routed it to lo0, and that of `rdr` on lo0; others
 * have one. Form: macOS 15 and 26, by their users.
 * @param listing what `conntrack -L` prints
 */
export function pfStates(listing: string): string[] {
  return listing.split('\n').flatMap((line) => {
    const [, progress, source, destination, sourcePort, port, answering, answeringPort] =
      FLOW.exec(line) ?? [];
    if (progress === undefined) return [];
    const client = end(source!, sourcePort!);
    const wanted = end(destination!, port!);
    const reached = end(answering!, answeringPort!);
    const sides = progress === 'ESTABLISHED' ? 'ESTABLISHED:ESTABLISHED' : 'FIN_WAIT_2:FIN_WAIT_2';
    const out = `ALL tcp ${client} -> ${wanted}       ${sides}`;
    return wanted === reached ? [out] : [out, `ALL tcp ${reached} <- ${wanted} <- ${client}       ${sides}`];
  });
}

function end(host: string, port: string): string {
  const address: Address = parseAddress(host)!;
  const text = formatAddress(address);
  return address.family === 4 ? `${text}:${port}` : `${text}[${port}]`;
}
