/** Flows whose original destination another program is asked for: that takes its time. */
import { expect, test } from 'bun:test';
import { createFlows } from '../../src/app/flow.ts';
import type { Policy } from '../../src/app/policy.ts';
import { silent } from '../../src/base/log.ts';
import { parseAddress, type Endpoint } from '../../src/net/address.ts';
import { clientHandlers } from '../../src/relay/handlers.ts';
import { createFlowStats } from '../../src/stats/flow_stats.ts';
import { eventually } from '../lab/eventually.ts';

test('no more wait for theirs than there are descriptors for, and a proof among them is heard of', async () => {
  const told = Promise.withResolvers<Endpoint | undefined>();
  const proof: Endpoint = { address: parseAddress('192.0.2.254')!, port: 9 };
  const refused: string[] = [];
  let proofs = 0;
  const flows = createFlows({ timeouts: {} } as unknown as Policy, {
    port: 1,
    limit: 4,
    originalDestination: () => told.promise,
    isProof: (destination) => destination === proof && ++proofs > 0,
    stats: createFlowStats(),
    log: silent,
    flowLog: { ended() {}, retrying() {}, refused: (status) => void refused.push(status) },
    nameOf: () => undefined,
  });
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    allowHalfOpen: true,
    socket: clientHandlers((client) => flows.accept(client, 4)),
  });
  let closed = 0;
  const clients = await Promise.all(
    Array.from({ length: 30 }, () =>
      Bun.connect({
        hostname: '127.0.0.1',
        port: listener.port,
        socket: { data() {}, close: () => void closed++ },
      }),
    ),
  );
  try {
    await eventually('the last to be refused', () => refused.length >= 10);
    await Bun.sleep(20);
    expect(refused).toEqual(Array.from({ length: 10 }, () => 'ERR_LIMIT'));
    told.resolve(proof);
    await eventually('all to be closed', () => closed === 30);
    expect(proofs).toBe(20);
    expect(refused).toHaveLength(10);
  } finally {
    flows.stop();
    for (const client of clients) client.terminate();
    listener.stop(true);
  }
});
