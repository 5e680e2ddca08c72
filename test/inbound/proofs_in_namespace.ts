/**
 * Runs inside a network namespace that has a route to everywhere: proves, as `snet run` does, whether rules catch the
 * connections of others, without rules, with them, and without a route. stdout: a {@link Report} as JSON.
 *
 * argv: the group of this program, the rules for nft(8).
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { beginConnect, closeDescriptor, openTcp } from '../../ffi/tcp.ts';
import { originalDestination } from '../../src/inbound/original_destination_linux.ts';
import { openProofs, type ProofResult } from '../../src/inbound/proof.ts';
import { formatEndpoint } from '../../src/net/address.ts';
import { descriptor } from '../../src/net/socket.ts';

export interface Report {
  readonly destinations: readonly string[];
  readonly withoutRules: readonly ProofResult[];
  /** Several runs, more than there are sockets in stock. */
  readonly withRules: readonly (readonly ProofResult[])[];
  /** Two runs at once. */
  readonly together: readonly (readonly ProofResult[])[];
  /** What came to the listener of a socket that was made under the program's own group. */
  readonly ofOurs: readonly string[];
  readonly withoutRoute: readonly ProofResult[];
  readonly group: number;
  readonly socketsLeft: number;
}

const PORT = 1111;
const [gid, rules] = process.argv.slice(2);

const sockets = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // What the folder itself was read by.
      return false;
    }
  }).length;
const before = sockets();
const proofs = openProofs();
process.setgid!(Number(gid));

const arrived: string[] = [];
const handlers = (family: 4 | 6): Bun.SocketHandler => ({
  open(socket) {
    const destination = originalDestination(descriptor(socket), family);
    if (destination !== undefined) {
      arrived.push(formatEndpoint(destination));
      proofs.isProof(destination);
    }
    socket.terminate();
  },
  data() {},
});
const listeners = [
  Bun.listen({ hostname: '127.0.0.1', port: PORT, socket: handlers(4) }),
  Bun.listen({ hostname: '::1', port: PORT, socket: handlers(6) }),
];

const prove = async () => [...(await proofs.run([4, 6])).values()];
const must = (argv: string[], stdin = '') => {
  const { exitCode, stderr } = Bun.spawnSync(argv, { stdin: Buffer.from(stdin) });
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr.toString()}`);
};

const withoutRules = await prove();
must(['nft', '-f', '-'], rules);
const withRules: ProofResult[][] = [];
for (let i = 0; i < 5; i++) withRules.push(await prove());
const together = await Promise.all([prove(), prove()]);

// The second of two that were proven by the first may still come.
await Bun.sleep(100);
arrived.length = 0;
const ours = proofs.destinations.map(({ address, port }) => {
  const fd = openTcp(address.family);
  beginConnect(fd, { ...address, port });
  return fd;
});
await Bun.sleep(300);
const ofOurs = [...arrived];
ours.forEach(closeDescriptor);

must(['ip', 'route', 'del', 'default']);
must(['ip', '-6', 'route', 'del', 'default']);
const withoutRoute = await prove();

proofs.close();
for (const listener of listeners) listener.stop(true);
await Bun.sleep(0);
const report: Report = {
  destinations: proofs.destinations.map(formatEndpoint),
  withoutRules,
  withRules,
  together,
  ofOurs,
  withoutRoute,
  group: process.getegid!(),
  socketsLeft: sockets() - before,
};
process.stdout.write(JSON.stringify(report));
