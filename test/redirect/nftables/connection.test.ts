/** What the rules do to connections, on the real kernel, in namespaces; curl is the witness. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { union } from '../../../src/net/ranges.ts';
import { join, Netns } from '../../lab/netns.ts';
import { describeNeeding } from '../../needs.ts';
import { Held } from './held.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { GID, plan } from '../plan.ts';
import { hold, manyRanges, SCRIPT_DONE } from './holding.ts';
import { planText } from './scripts/plan.ts';

/*
 *   client                                     world
 *   10.77.0.1, fd77::1  ── veth ──  10.77.0.2, fd77::2 (the way to everywhere)
 *   :1111 says "snet"               203.0.113.9, 198.51.100.9, 2001:db8:1::9, 2001:db8:2::9
 *   :80   says "client"             :80 says "world"
 */
describeNeeding(['root', 'ip', 'nft', 'curl', 'setpriv'], 'a connection', () => {
  let client: Netns;
  let world: Netns;
  const servers: Held[] = [];
  beforeAll(async () => {
    client = await Netns.create('client');
    world = await Netns.create('world');
    await join(
      { ns: client, device: 'uplink', addresses: ['10.77.0.1/24', 'fd77::1/64'] },
      { ns: world, device: 'downlink', addresses: ['10.77.0.2/24', 'fd77::2/64'] },
    );
    for (const address of ['203.0.113.9/32', '198.51.100.9/32', '2001:db8:1::9/128', '2001:db8:2::9/128'])
      await world.must(['ip', 'addr', 'add', address, 'dev', 'lo']);
    await client.must(['ip', 'route', 'add', 'default', 'via', '10.77.0.2']);
    await client.must(['ip', '-6', 'route', 'add', 'default', 'via', 'fd77::2']);
    for (const [ns, port, word] of [
      [client, '1111', 'snet'],
      [client, '80', 'client'],
      [world, '80', 'world'],
    ] as const)
      servers.push((await Held.start(ns, 'answer.ts', port, word))[0]);
  });
  afterAll(async () => {
    for (const server of servers) await server.kill();
    await client[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  /** Who answers. */
  const at = (host: string, ...as: string[]): Promise<string> =>
    client.must([...as, 'curl', '-s', '--max-time', '5', `http://${host}/`]);
  const everywhere = async (...as: string[]): Promise<string[]> => {
    const hosts = ['203.0.113.9', '198.51.100.9', '[2001:db8:1::9]', '[2001:db8:2::9]'];
    return Promise.all(hosts.map((host) => at(host, ...as)));
  };
  const own = (): Promise<string[]> =>
    Promise.all(['127.0.0.1', '127.3.2.1', '10.77.0.1', '[::1]', '[fd77::1]'].map((host) => at(host)));
  const CLIENT = Array<string>(5).fill('client');

  test('goes to the listener, unless its destination is bypassed', async () => {
    expect(await everywhere()).toEqual(['world', 'world', 'world', 'world']);
    await using _ = await hold(client, plan(rangesFrom('198.51.100.0/24', '2001:db8:2::/48')));
    expect(await everywhere()).toEqual(['snet', 'world', 'snet', 'world']);
  });

  test('goes out from our group', async () => {
    await using _ = await hold(client, plan(rangesFrom()));
    expect(await everywhere('setpriv', '--regid', String(GID), '--clear-groups')).toEqual([
      'world',
      'world',
      'world',
      'world',
    ]);
    expect(await everywhere('setpriv', '--regid', String(GID + 1), '--clear-groups')).toEqual([
      'snet',
      'snet',
      'snet',
      'snet',
    ]);
  });

  test('to an address of this machine stays', async () => {
    await using _ = await hold(client, plan(rangesFrom()));
    expect(await own()).toEqual(CLIENT);
  });

  test('to an address of this machine stays without fib, too', async () => {
    await using _ = await hold(client, plan(rangesFrom('198.51.100.0/24')), 'by_device.ts');
    expect(await client.must(['nft', 'list', 'ruleset'])).toContain('oif "lo"');
    expect(await own()).toEqual(CLIENT);
    expect(await everywhere()).toEqual(['snet', 'world', 'snet', 'snet']);
  });

  test('of IPv6 goes out where the plan has no IPv6', async () => {
    await using _ = await hold(client, plan(rangesFrom('198.51.100.0/24'), { ipv6: false }));
    expect(await everywhere()).toEqual(['snet', 'world', 'world', 'world']);
  });

  test('follows an update', async () => {
    await using held = await hold(client, plan(rangesFrom('198.51.100.0/24', '2001:db8:2::/48')));
    expect(await held.say(planText(plan(rangesFrom('203.0.113.9/32', '2001:db8:1::/48'))))).toMatch(
      SCRIPT_DONE,
    );
    expect(await everywhere()).toEqual(['world', 'snet', 'world', 'snet']);
  });

  test('to a bypassed destination never meets a moment without ranges during updates', async () => {
    await using held = await hold(client, plan(rangesFrom('203.0.113.9/32')));
    const answers = new Set<string>();
    const updates = new AbortController();
    const connect = async (): Promise<void> => {
      while (!updates.signal.aborted) answers.add(await at('203.0.113.9'));
    };
    const connecting = Promise.all([connect(), connect()]);
    const many = manyRanges(3000, 0);
    const { v4, v6 } = rangesFrom('203.0.113.9/32');
    const wanted = plan({ v4: union(4, [many.v4, v4]), v6 });
    for (let i = 0; i < 40; i++) expect(await held.say(planText(wanted))).toMatch(SCRIPT_DONE);
    updates.abort();
    await connecting;
    expect([...answers]).toEqual(['world']);
  });

  test('goes straight out once the process is killed', async () => {
    const held = await hold(client, plan(rangesFrom()));
    expect(await everywhere()).toEqual(['snet', 'snet', 'snet', 'snet']);
    await held.kill();
    expect(await everywhere()).toEqual(['world', 'world', 'world', 'world']);
  });
});
