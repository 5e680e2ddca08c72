/** Probes through upstreams that are no more than a direct way to a page on loopback. */
import { afterEach, expect, test } from 'bun:test';
import { startProbes } from '../../src/app/probes.ts';
import type { Endpoint } from '../../src/net/address.ts';
import { formatTarget, type Target } from '../../src/net/target.ts';
import { direct } from '../../src/upstream/direct.ts';
import { createGroup } from '../../src/upstream/group/group.ts';
import { eventually } from '../lab/eventually.ts';
import { loopback } from '../relay/harness.ts';
import { ANSWERED, FAILED, SILENT } from '../upstream/results.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** An HTTP server, or one that takes connections and says nothing. */
function page({ isMute = false } = {}) {
  const seen: string[] = [];
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket, chunk) {
        seen.push(chunk.toString());
        if (!isMute) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
      },
    },
  });
  stops.push(() => server.stop(true));
  return { endpoint: loopback(server.port), seen };
}

/** @param late milliseconds that have passed, for the probes, since all else happened */
function probed(
  endpoints: readonly Endpoint[],
  interval = 10,
  url = 'http://probe.example/generate_204?x=1',
  late = 0,
) {
  const targets = new Set<string>();
  const tunnel = (target: Target) => {
    targets.add(formatTarget(target));
    return {};
  };
  const group = createGroup(
    endpoints.map((endpoint) => ({ ...direct, tunnel, endpoints: () => [endpoint] })),
    { policy: 'fastest', isProbed: () => true, changed: () => {}, now: () => performance.now() },
  );
  const probes = startProbes(group, { url, interval }, () => performance.now() + late);
  stops.push(() => probes.stop());
  return { group, probes, targets };
}

test('asks for the page while somebody uses the group, and measures', async () => {
  const { endpoint, seen } = page();
  const { group } = probed([endpoint]);
  await Bun.sleep(700);
  expect(seen).toEqual([]);
  group.candidates(endpoint);
  await eventually('a probe', () => group.members[0]!.health.lastAnswer !== undefined);
  expect(seen[0]).toBe('GET /generate_204?x=1 HTTP/1.1\r\nHost: probe.example\r\nConnection: close\r\n\r\n');
  expect(group.members[0]!.health.latency).toBeWithin(0, 1_000);
  await eventually('another', () => seen.length > 1);
});

test('asks for nothing once nobody has used the group for five minutes', async () => {
  const { endpoint, seen } = page();
  const { group } = probed([endpoint], 10, 'http://probe.example/', 5 * 60_000);
  group.candidates(endpoint);
  await Bun.sleep(1_200);
  expect(seen).toEqual([]);
});

test.each([
  ['http://probe.example/', 'probe.example:80'],
  ['http://192.0.2.1/', '192.0.2.1:80'],
  ['http://[2001:db8::1]:8080/', '[2001:db8::1]:8080'],
])('asks the upstream for the host of %s', async (url, target) => {
  const { endpoint } = page();
  const { group, targets } = probed([endpoint], 10, url);
  group.candidates(endpoint);
  await eventually('a probe', () => group.members[0]!.health.lastAnswer !== undefined);
  expect([...targets]).toEqual([target]);
});

test('says whether probes tell anything at all', async () => {
  const { endpoint } = page();
  const { group, probes } = probed([endpoint]);
  expect(probes.work()).toBe(false);
  group.candidates(endpoint);
  await eventually('a probe to be answered', () => probes.work());
});

test('a silent probe is nothing against one that carries real traffic', async () => {
  const { endpoint, seen } = page({ isMute: true });
  const { group } = probed([endpoint]);
  const { upstream, health } = group.members[0]!;
  group.candidates(endpoint);
  const traffic = setInterval(() => upstream.report(ANSWERED), 100);
  stops.push(() => clearInterval(traffic));
  await eventually('a probe', () => seen.length > 0);
  await Bun.sleep(5_500);
  expect(health.lastFailure).toBeUndefined();
});

test('asks at once when something else has not been answered', async () => {
  const { endpoint, seen } = page();
  const { group } = probed([endpoint], 60_000);
  const { upstream, health } = group.members[0]!;
  group.candidates(endpoint);
  await eventually('a probe', () => health.lastAnswer !== undefined);
  await Bun.sleep(2_500);
  expect(seen).toHaveLength(1);
  upstream.report(SILENT);
  expect(health.isDoubtful).toBe(true);
  await eventually('the doubt to be gone', () => !health.isDoubtful);
  expect(seen).toHaveLength(2);
});

test('asks at once on another network', async () => {
  const { endpoint, seen } = page();
  const { group, probes } = probed([endpoint], 60_000);
  group.candidates(endpoint);
  await eventually('a probe', () => seen.length === 1);
  await eventually('its answer', () => group.members[0]!.health.lastAnswer !== undefined);
  probes.renew();
  await eventually('another', () => seen.length === 2);
});

test('finds out that one is down, and that it is back', async () => {
  const { endpoint } = page();
  const { group } = probed([endpoint]);
  const { upstream, health } = group.members[0]!;
  group.candidates(endpoint);
  for (let i = 0; i < 2; i++) upstream.report(FAILED);
  expect(health.isUp).toBe(false);
  await eventually('it to be back', () => health.isUp);
});

test('one that opens and says nothing is none', async () => {
  const { endpoint } = page({ isMute: true });
  const { group } = probed([endpoint]);
  const { upstream, health } = group.members[0]!;
  group.candidates(endpoint);
  for (let i = 0; i < 2; i++) upstream.report(FAILED);
  await Bun.sleep(2_500);
  expect(health.isUp).toBe(false);
});
