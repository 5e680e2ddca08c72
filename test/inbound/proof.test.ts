import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { openProofs } from '../../src/inbound/proof.ts';
import { formatEndpoint, parseAddress } from '../../src/net/address.ts';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';
import type { Report } from './proofs_in_namespace.ts';

const V4 = '192.0.2.254';
const V6 = '2001:db8::c000:2fe';
const GID = 4242;

describe('openProofs()', () => {
  test('knows its own destinations, and no others', () => {
    const proofs = openProofs();
    expect(proofs.destinations.map(formatEndpoint)).toEqual([`${V4}:9`, `[${V6}]:9`]);
    const is = (text: string, port: number) => proofs.isProof({ address: parseAddress(text)!, port });
    expect([is(V4, 9), is(V6, 9)]).toEqual([true, true]);
    expect([is(V4, 80), is('192.0.2.253', 9), is(V6, 443), is('2001:db8::1', 9)]).toEqual(
      Array(4).fill(false),
    );
    proofs.close();
  });

  test('gives back its sockets, and can be used no more', async () => {
    const descriptors = () => readdirSync('/dev/fd').length;
    const before = descriptors();
    const proofs = openProofs();
    expect(descriptors()).toBe(before + 4);
    proofs.close();
    proofs.close();
    expect(descriptors()).toBe(before);
    expect(await proofs.run([4]).catch(String)).toContain('closed');
  });
});

describeNeeding(['root', 'ip', 'nft'], 'in the kernel, proofs', () => {
  test('tell whether the rules catch what is not of our group', async () => {
    await using ns = await Netns.create('proof');
    await ns.batch([
      'addr add 198.51.100.1/32 dev lo',
      'addr add 2001:db8:1::1/128 dev lo nodad',
      'route add default dev lo',
    ]);
    await ns.must(['ip', '-6', 'route', 'add', 'default', 'dev', 'lo']);
    const rules = `table inet test {
      chain output {
        type nat hook output priority -100;
        meta skgid ${GID} return
        meta l4proto tcp redirect to :1111
      }
    }\n`;
    const script = new URL('proofs_in_namespace.ts', import.meta.url).pathname;
    const { code, stdout, stderr } = await ns.script(script, [String(GID), rules]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as Report;
    const caught = ['caught', 'caught'];
    expect(report).toEqual({
      destinations: [`${V4}:9`, `[${V6}]:9`],
      withoutRules: ['missed', 'missed'],
      withRules: Array.from({ length: 5 }, () => caught),
      together: [caught, caught],
      ofOurs: [],
      withoutRoute: ['no route', 'no route'],
      group: GID,
      socketsLeft: 0,
    } as unknown as Report);
  });
});
