/** From candidates to one open tunnel, over real sockets of loopback. */
import { afterEach, describe, expect, test } from 'bun:test';
import type { Endpoint } from '../../src/net/address.ts';
import type { FlowStatus } from '../../src/net/flow_status.ts';
import { SessionError, type Handshake } from '../../src/net/session.ts';
import type { RemoteEnd, RemoteSocket } from '../../src/net/socket.ts';
import { direct } from '../../src/upstream/direct.ts';
import { Reach, type Aim } from '../../src/upstream/reach.ts';
import type { Result, Upstream } from '../../src/upstream/upstream.ts';
import { eventually } from '../lab/eventually.ts';
import { loopback } from '../relay/harness.ts';

const open: { stop(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.stop();
});

/** Says `word` to whoever asks `?`, and counts connections. */
function farEnd(word: string) {
  const seen = { connections: 0, heard: '' };
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: () => void seen.connections++,
      data(socket, chunk) {
        seen.heard += chunk.toString();
        if (chunk.toString().includes('?')) socket.write(word);
      },
    },
  });
  open.push({ stop: () => server.stop(true) });
  return { endpoint: loopback(server.port), seen };
}

/** Nobody listens there. */
function nowhere(): Endpoint {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  server.stop(true);
  return loopback(server.port);
}

/** Asks `?`; `+` is yes, what follows is the tunnel's; `-` is no, `!` that the target refuses. */
function asks(): Handshake {
  return {
    begin: (out) => out.bytes.set(Buffer.from('?'), out.take(1)),
    receive(wire, from, to, _, rest) {
      const [answer] = wire.bytes.subarray(from, to);
      if (answer === 45) throw new SessionError('ERR_PROXY_DENIED', 'no');
      if (answer === 33) throw new SessionError('ERR_TARGET_REFUSED', 'the target says no');
      if (answer === 63) throw new SessionError('ERR_TARGET_UNREACHABLE', 'no way');
      rest.bytes.set(wire.bytes.subarray(from + 1, to), rest.take(to - from - 1));
      return true;
    },
    end() {
      throw new SessionError('ERR_PROXY_CLOSED', 'closed');
    },
  };
}

function upstreamAt(label: string, endpoints: readonly Endpoint[], more: Partial<Upstream> = {}) {
  const results: Result[] = [];
  const upstream: Upstream = {
    ...direct,
    label,
    patience: 700,
    endpoints: () => endpoints,
    tunnel: () => ({ handshake: asks() }),
    report: (result) => void results.push(result),
    ...more,
  };
  return { upstream, results };
}

class Owner implements RemoteEnd {
  readonly told: string[] = [];
  data = '';
  socket: RemoteSocket | undefined;
  remoteDialled(): void {}
  remoteSecured(): void {}
  remoteData(_: RemoteSocket, chunk: Uint8Array): void {
    this.data += Buffer.from(chunk).toString();
  }
  remoteEnd(): void {}
  remoteDrain(): void {}
  remoteClose(): void {}
  remoteFault(): void {}
}

function reach(candidates: readonly Upstream[], more: Partial<Aim> = {}) {
  const owner = new Owner();
  const destination = loopback(9);
  const aim: Aim = { candidates, destination, target: destination, named: undefined, ...more };
  const told = (word: string, status: FlowStatus) => void owner.told.push(`${word} ${status}`);
  const one = new Reach<Owner>(aim, owner, {
    opened(_, socket, _session, rest) {
      owner.told.push('opened');
      owner.socket = socket;
      owner.data += Buffer.from(rest).toString();
      open.push({ stop: () => socket.terminate() });
    },
    retrying: (_, status) => told('retrying', status),
    lost: (_, status) => told('lost', status),
  });
  one.start();
  return { one, owner, until: (word: string) => eventually(word, () => owner.told.join().includes(word)) };
}

describe('the way to one tunnel', () => {
  test('what follows the answer, and all that comes later, is the owner’s', async () => {
    const far = farEnd('+rest');
    const { upstream, results } = upstreamAt('a', [far.endpoint]);
    const { owner, until } = reach([upstream]);
    await until('opened');
    owner.socket!.write('?');
    await eventually('the second answer', () => owner.data === 'rest+rest');
    expect(results.map(({ kind }) => kind)).toEqual(['opened']);
    expect(far.seen).toEqual({ connections: 1, heard: '??' });
  });

  test('a dead address is followed by the next of the same upstream', async () => {
    const far = farEnd('+');
    const { upstream, results } = upstreamAt('a', [nowhere(), far.endpoint]);
    const { owner, until } = reach([upstream]);
    await until('opened');
    expect(owner.told).toEqual(['retrying ERR_DIAL_REFUSED', 'opened']);
    expect(results.map(({ kind }) => kind)).toEqual(['failed', 'opened']);
  });

  test('a refusal is followed by the next upstream, not by another address of the one that refused', async () => {
    const [no, yes] = [farEnd('-'), farEnd('+')];
    const first = upstreamAt('a', [no.endpoint, no.endpoint]);
    const second = upstreamAt('b', [yes.endpoint]);
    const { one, owner, until } = reach([first.upstream, second.upstream]);
    await until('opened');
    expect(owner.told).toEqual(['retrying ERR_PROXY_DENIED', 'opened']);
    expect(no.seen.connections).toBe(1);
    expect(one.upstream?.label).toBe('b');
    // It may serve other targets well.
    expect(first.results).toEqual([]);
  });

  test('the target’s own no is told at once, and is nobody’s failure', async () => {
    const [no, yes] = [farEnd('!'), farEnd('+')];
    const first = upstreamAt('a', [no.endpoint]);
    const { owner, until } = reach([first.upstream, upstreamAt('b', [yes.endpoint]).upstream]);
    await until('lost');
    expect(owner.told).toEqual(['lost ERR_TARGET_REFUSED']);
    expect(first.results).toEqual([]);
    expect(yes.seen.connections).toBe(0);
  });

  test('a target that one upstream can not reach is tried by the next', async () => {
    const [no, yes] = [farEnd('?'), farEnd('+')];
    const first = upstreamAt('a', [no.endpoint]);
    const { owner, until } = reach([first.upstream, upstreamAt('b', [yes.endpoint]).upstream]);
    await until('opened');
    expect(owner.told).toEqual(['retrying ERR_TARGET_UNREACHABLE', 'opened']);
    expect(first.results).toEqual([]);
  });

  test('one that closes instead of an answer has failed', async () => {
    const server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    open.push({ stop: () => server.stop(true) });
    const { owner, until } = reach([upstreamAt('a', [loopback(server.port)]).upstream]);
    await until('lost');
    expect(owner.told).toEqual(['lost ERR_PROXY_CLOSED']);
  });

  test('without any candidate all are down; without any address there is none', () => {
    expect(reach([]).owner.told).toEqual(['lost ERR_UPSTREAMS_DOWN']);
    expect(reach([upstreamAt('a', []).upstream]).owner.told).toEqual(['lost ERR_DIAL_NO_ADDRESS']);
  });
});

describe('time', () => {
  test('connecting is given up after the upstream’s patience while there is another, then after the longest time', async () => {
    const far = farEnd('+');
    const first = upstreamAt('a', [far.endpoint]);
    const second = upstreamAt('b', [far.endpoint]);
    const { one, owner } = reach([first.upstream, second.upstream]);
    // Nothing has come from the kernel yet: both are still connecting.
    const began = performance.now();
    one.expire(began + 600, 10_000);
    expect(owner.told).toEqual([]);
    one.expire(began + 701, 10_000);
    expect(owner.told).toEqual(['retrying ERR_DIAL_TIMEOUT']);
    one.expire(began + 5_000, 10_000);
    expect(owner.told).toHaveLength(1);
    one.expire(began + 10_100, 10_000);
    expect(owner.told).toEqual(['retrying ERR_DIAL_TIMEOUT', 'lost ERR_DIAL_TIMEOUT']);
    await Bun.sleep(20);
    expect(owner.told).toHaveLength(2);
  });

  test('the last one is waited for, but counts as failed long before: once', () => {
    const { upstream, results } = upstreamAt('a', [farEnd('+').endpoint]);
    const { one, owner } = reach([upstream]);
    const began = performance.now();
    one.expire(began + 1_900, 10_000);
    expect(results).toEqual([]);
    one.expire(began + 2_100, 10_000);
    one.expire(began + 5_000, 10_000);
    expect(results).toMatchObject([{ kind: 'failed', status: 'ERR_DIAL_TIMEOUT' }]);
    expect(owner.told).toEqual([]);
    one.expire(began + 10_100, 10_000);
    expect(owner.told).toEqual(['lost ERR_DIAL_TIMEOUT']);
    expect(results).toHaveLength(1);
  });

  test('one that is known to be down is given no more than its patience, though it is the last', () => {
    const { one, owner } = reach([upstreamAt('a', [farEnd('+').endpoint], { downSince: 0 }).upstream]);
    const began = performance.now();
    one.expire(began + 600, 10_000);
    expect(owner.told).toEqual([]);
    one.expire(began + 800, 10_000);
    expect(owner.told).toEqual(['lost ERR_DIAL_TIMEOUT']);
  });

  test('an answer may take the longest time, whoever else waits', async () => {
    const far = farEnd('');
    const { upstream, results } = upstreamAt('a', [far.endpoint]);
    const { one, owner } = reach([upstream, upstreamAt('b', [nowhere()]).upstream]);
    await eventually('the question', () => far.seen.heard === '?');
    const now = performance.now();
    one.expire(now + 5_000, 10_000);
    expect(owner.told).toEqual([]);
    one.expire(now + 10_001, 10_000);
    expect(owner.told[0]).toBe('retrying ERR_PROXY_TIMEOUT');
    // The target may be what doesn't answer.
    expect(results).toMatchObject([{ kind: 'silent', target: '127.0.0.1' }]);
  });

  test('nobody waits for one that has gone down meanwhile, be it for an answer or for another of its addresses', async () => {
    const far = farEnd('');
    let downSince: number | undefined;
    const { upstream: up, results } = upstreamAt('a', [far.endpoint, far.endpoint]);
    const upstream: Upstream = {
      ...up,
      get downSince() {
        return downSince;
      },
    };
    const next = upstreamAt('b', [farEnd('+').endpoint]);
    const { one, owner } = reach([upstream, next.upstream]);
    await eventually('the question', () => far.seen.heard === '?');
    one.expire(performance.now(), 10_000);
    expect(owner.told).toEqual([]);
    downSince = performance.now();
    expect(one.isFutile).toBe(true);
    one.expire(performance.now(), 10_000);
    await eventually('the next', () => owner.told.includes('opened'));
    expect(owner.told).toEqual(['retrying ERR_PROXY_TIMEOUT', 'opened']);
    expect(results).toMatchObject([{ kind: 'silent' }]);
    expect(far.seen.connections).toBe(1);
  });

  test('where there is no other, one that has gone down is waited for all the same', async () => {
    const far = farEnd('');
    const { one, owner } = reach([upstreamAt('a', [far.endpoint], { downSince: Infinity }).upstream]);
    await eventually('the question', () => far.seen.heard === '?');
    one.expire(performance.now(), 10_000);
    expect(owner.told).toEqual([]);
  });

  test('only the last of its addresses fails for the upstream, and one without an address fails as well', async () => {
    const { upstream, results } = upstreamAt('a', [nowhere(), nowhere()]);
    const none = upstreamAt('b', []);
    const { until, owner } = reach([upstream, none.upstream]);
    await until('lost');
    expect(results).toMatchObject([{ isLast: false }, { isLast: true }]);
    expect(none.results).toMatchObject([
      { status: 'ERR_DIAL_NO_ADDRESS', endpoint: undefined, isLast: true },
    ]);
    expect(owner.told.at(-1)).toBe('lost ERR_DIAL_REFUSED');
  });

  test('an attempt that goes out by an address that is gone is begun anew, and no other', async () => {
    const far = farEnd('+');
    const { upstream, results } = upstreamAt('a', [far.endpoint, nowhere()]);
    const { one, owner, until } = reach([upstream]);
    one.leaveGone((address) => address === '127.0.0.1');
    expect(owner.told).toEqual([]);
    one.leaveGone(() => false);
    expect(owner.told).toEqual(['retrying ERR_NETWORK_CHANGED']);
    await until('opened');
    expect(results).toMatchObject([{ kind: 'opened', endpoint: far.endpoint }]);
    one.leaveGone(() => false);
    expect(owner.told).toEqual(['retrying ERR_NETWORK_CHANGED', 'opened']);
  });

  test('so is one that waits for an answer', async () => {
    const far = farEnd('');
    const { upstream } = upstreamAt('a', [far.endpoint]);
    const { one, owner } = reach([upstream]);
    await eventually('the question', () => far.seen.heard === '?');
    one.leaveGone(() => false);
    await eventually('another', () => far.seen.heard === '??');
    expect([far.seen.connections, ...owner.told]).toEqual([2, 'retrying ERR_NETWORK_CHANGED']);
    one.abandon();
  });

  test('abandoned, it tells nothing, and its connection is gone', async () => {
    const far = farEnd('+');
    const { upstream, results } = upstreamAt('a', [far.endpoint]);
    const { one, owner } = reach([upstream]);
    one.abandon();
    await Bun.sleep(30);
    expect(owner.told).toEqual([]);
    expect(results).toEqual([]);
    expect(far.seen.heard).toBe('');
  });
});

describe('names', () => {
  test('go to an upstream that takes them', async () => {
    const targets: unknown[] = [];
    const far = farEnd('+');
    const tunnel: Upstream['tunnel'] = (target) => {
      targets.push(target);
      return { handshake: asks() };
    };
    const named = { name: 'www.example.com', port: 443 };
    for (const takesNames of [true, false]) {
      const { upstream } = upstreamAt('a', [far.endpoint], { tunnel, takesNames });
      await reach([upstream], { named }).until('opened');
    }
    expect(targets).toEqual([named, loopback(9)]);
  });
});
