/** The demo's Internet: a web server that says whom it sees, and the router between the two wires. */
import { createHash, randomBytes } from 'node:crypto';
import { formatAddress, parseAddress, unmapped } from '../net/address.ts';

export const ORIGIN_PORT = 80;
/** Answers with {@link BULK_BYTES} random bytes; every other path with one line of text. */
export const BULK_PATH = '/bulk';
export const BULK_BYTES = 64 * 1024 * 1024;

/** Headers of every answer: the address that the connection came from, and the SHA-256 of the body, in hex. */
export const PEER_HEADER = 'snet-peer';
export const DIGEST_HEADER = 'snet-sha256';

/** Linux, Documentation/networking/ip-sysctl.rst. They are the reading process's network namespace's own. */
const FORWARDING = ['/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv6/conf/all/forwarding'];

/**
 * Listens on all addresses of the namespace and logs one line a request.
 * @param log takes one line
 */
export async function startOrigin(log: (line: string) => void): Promise<void> {
  for (const path of FORWARDING) await Bun.write(path, '1\n');
  Bun.serve({
    hostname: '::',
    port: ORIGIN_PORT,
    fetch(request, server) {
      const peer = peerText(server.requestIP(request)?.address);
      const { pathname } = new URL(request.url);
      const body = pathname === BULK_PATH ? randomBytes(BULK_BYTES) : Buffer.from(`you are ${peer}\n`);
      log(`${peer} ${request.method} ${request.url}`);
      const digest = createHash('sha256').update(body).digest('hex');
      return new Response(body, {
        headers: { [PEER_HEADER]: peer, [DIGEST_HEADER]: digest, connection: 'close' },
      });
    },
  });
}

/** The listener takes both IP versions on one socket, so IPv4 peers come as mapped addresses. */
function peerText(text: string | undefined): string {
  const address = parseAddress(text ?? '');
  return address ? formatAddress(unmapped(address)) : 'unknown';
}
