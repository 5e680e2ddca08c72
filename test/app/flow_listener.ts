/** Flows behind a listener on loopback, whose clients are told where they wanted to go. */
import { createFlows, type FlowOptions, type Flows } from '../../src/app/flow.ts';
import type { Policy } from '../../src/app/policy.ts';
import { clientHandlers } from '../../src/relay/handlers.ts';
import { createFlowStats } from '../../src/stats/flow_stats.ts';

/** Which of the options differ from test to test. */
type Given = Pick<FlowOptions, 'originalDestination' | 'limit'> & Partial<FlowOptions>;

/** @returns also how to end it */
export function listenForFlows(policy: Partial<Policy>, given: Given) {
  const flows: Flows = createFlows(policy as Policy, {
    port: 1,
    isProof: () => false,
    stats: createFlowStats(),
    flowLog: { ended() {}, retrying() {}, refused() {} },
    nameOf: () => undefined,
    ...given,
  });
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    allowHalfOpen: true,
    socket: clientHandlers((client) => flows.accept(client, 4)),
  });
  const stop = () => {
    flows.stop();
    listener.stop(true);
  };
  return { flows, port: listener.port, stop };
}
