/** What hangs on the network, with flows between real sockets on loopback. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { Flows } from '../../src/app/flow.ts';
import { followNetwork, type OnNetwork } from '../../src/app/network_change.ts';
import { createBridge } from '../../src/app/upstreams/bridge.ts';
import { silent } from '../../src/base/log.ts';
import type { Policy } from '../../src/app/policy.ts';
import { RedirectError } from '../../src/redirect/redirect.ts';
import { direct } from '../../src/upstream/direct.ts';
import { createTlsClient } from '../../src/upstream/tls/create.ts';
import type { RemoteEnd } from '../../src/net/socket.ts';
import type { SnetError } from '../../src/base/errors.ts';
import { eventually } from '../lab/eventually.ts';
import { listenForFlows } from './flow_listener.ts';
import { Client, serve, serveEcho } from '../relay/harness.ts';

const everything = () => true;
const nothing = () => false;

describe('followNetwork', () => {
  let done: string[];
  let lines: string[];
  let change: (what: string) => void;
  /** What `verify` waits for. */
  let verified: Promise<void>;

  const policy = (name: string) => ({ renew: () => done.push(`renew ${name}`) }) as unknown as Policy;
  const say =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);

  function running(): OnNetwork {
    return {
      inForce: { config: undefined as never, policy: policy('this') },
      retired: new Set([policy('an old one')]),
      dns: { renew: async () => void done.push('renew dns') } as unknown as OnNetwork['dns'],
      flows: { leaveGone: () => (done.push('leave flows'), 3) } as unknown as Flows,
      redirect: {
        verify: () => (done.push('verify'), verified),
      } as unknown as OnNetwork['redirect'],
      log: { ...silent, info: say('info'), error: say('error') },
    };
  }

  function follow(parts: OnNetwork = running()) {
    return followNetwork(parts, (changed) => {
      change = changed;
      return { stop: () => void done.push('stop watching') };
    });
  }

  beforeEach(() => {
    [done, lines, verified] = [[], [], Promise.resolve()];
  });

  test('lets go what hangs on the old network, and says so in one line', async () => {
    const network = follow();
    change('the default route changed');
    await network.stop();
    expect(done).toEqual([
      'renew this',
      'renew an old one',
      'leave flows',
      'renew dns',
      'verify',
      'stop watching',
    ]);
    expect(lines).toEqual([
      'info the network may have changed {"what":"the default route changed","reset":3}',
    ]);
  });

  test('without a resolver, and with rules that nobody can take out', async () => {
    const network = follow({ ...running(), dns: undefined, redirect: {} as OnNetwork['redirect'] });
    change('x');
    await network.stop();
    expect(done).toEqual(['renew this', 'renew an old one', 'leave flows', 'stop watching']);
  });

  test('acts on what comes meanwhile afterwards, once', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    verified = promise;
    follow();
    for (const what of ['a', 'b', 'c', 'b']) change(what);
    await Bun.sleep(0);
    expect(done.filter((each) => each === 'verify')).toHaveLength(1);
    resolve();
    await eventually('the second', () => lines.length === 2);
    await Bun.sleep(0);
    expect(lines.map((line) => line.slice(line.indexOf('{')))).toEqual([
      '{"what":"a","reset":3}',
      '{"what":"b, c","reset":3}',
    ]);
    change('d');
    await eventually('the third', () => lines.length === 3);
  });

  test('stopped, it ends what is under way and begins nothing more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    verified = promise;
    const network = follow();
    change('a');
    change('b');
    const stopped = network.stop().then(() => done.push('stopped'));
    await Bun.sleep(0);
    expect(done.at(-1)).toBe('stop watching');
    resolve();
    await stopped;
    change('c');
    await Bun.sleep(0);
    expect(done.slice(-2)).toEqual(['stop watching', 'stopped']);
    expect(lines).toHaveLength(1);
  });

  test('says what could not be done, and goes on', async () => {
    verified = Promise.reject(new RedirectError('ERR_REDIRECT_COMMAND', 'pfctl failed'));
    const network = follow();
    change('a');
    await eventually('an error', () => lines.length === 2);
    expect(lines[1]).toBe(
      'error not all of a new network could be taken in {"status":"ERR_REDIRECT_COMMAND","reason":"pfctl failed"}',
    );
    verified = Promise.resolve();
    change('b');
    await eventually('the next', () => lines.length === 3);
    await network.stop();
  });
});

describe('flows', () => {
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const one of undo.splice(0)) one();
  });

  function flowing() {
    const echo = serveEcho();
    const ended: string[] = [];
    const { flows, port, stop } = listenForFlows(
      {
        decide: () => ({ where: 'direct', why: 'default' }),
        timeouts: { dial: 5_000, idle: 60_000, halfClosed: 60_000, firstData: 20 },
      },
      {
        limit: 100,
        originalDestination: () => echo.endpoint,
        flowLog: { ended: (_, status) => void ended.push(status), retrying() {}, refused() {} },
      },
    );
    undo.push(stop, () => echo[Symbol.dispose]());
    return { flows, port, ended };
  }

  const talking = async (port: number) => {
    const client = new Client(port);
    (await client.socket).write('hello');
    await eventually('the echo', () => client.received.length > 0);
    return client;
  };

  test('are reset when the address that they go out by is gone, and else left alone', async () => {
    const { flows, port, ended } = flowing();
    const client = await talking(port);
    expect(flows.leaveGone(everything)).toBe(0);
    expect(flows.leaveGone((address) => address === '127.0.0.1')).toBe(0);
    (await client.socket).write('again');
    await eventually('another echo', () => client.received.length > 1);
    expect(flows.leaveGone(nothing)).toBe(1);
    expect(await client.end).toBe('ECONNRESET');
    expect(ended).toEqual(['ERR_NETWORK_CHANGED']);
    expect(flows.leaveGone(nothing)).toBe(0);
    // The next comes about as ever.
    await talking(port);
  });

  test('that go by TLS within another upstream are told of it', async () => {
    let came = 0;
    using server = serve({ open: () => void came++ });
    const outer = { ...direct, endpoints: () => [server.endpoint] };
    const tls = createTlsClient({ host: 'server.example', pins: [], insecure: false });
    const bridge = createBridge(outer, { name: 'server.example', port: 443 }, tls, 'inner', 5_000);
    undo.push(() => bridge.stop());
    const closed: unknown[] = [];
    const ignore = () => {};
    const end: RemoteEnd = {
      remoteDialled: ignore,
      remoteSecured: ignore,
      remoteData: ignore,
      remoteEnd: ignore,
      remoteDrain: ignore,
      remoteClose: (_, error) => void closed.push((error as SnetError | undefined)?.status),
      remoteFault: ignore,
    };
    bridge.dial(server.endpoint, end);
    await eventually('the connection', () => came === 1);
    await Bun.sleep(50);
    bridge.leaveGone(everything);
    expect(closed).toEqual([]);
    bridge.leaveGone(nothing);
    expect(closed[0]).toBe('ERR_NETWORK_CHANGED');
  });
});
