/** What may be wrong in the configuration of the resolver: one clear message, the exit code of its kind, and nothing changed. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { EXIT } from '../../src/cli/exit.ts';
import { dig, statusOf } from '../lab/dig.ts';
import { firewalls } from '../lab/firewalls.ts';
import { folderForAll } from '../lab/folder.ts';
import { Netns } from '../lab/netns.ts';
import { startSnet, stop } from '../lab/snet.ts';
import { configure } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

interface Case {
  readonly name: string;
  readonly dns: object;
  readonly says: RegExp;
}

const RESOLVER = 'a resolver such as "[^"]+" or "[^"]+"';

const REFUSED: readonly Case[] = [
  {
    name: 'a resolver that is a name',
    dns: { china: ['dns.alidns.com'] },
    says: new RegExp(
      `: dns\\.china\\[0\\]: found "dns\\.alidns\\.com", expected ${RESOLVER}.*\\n.*write the address of dns\\.alidns\\.com`,
    ),
  },
  {
    name: 'a resolver of no known kind',
    dns: { trusted: ['quic://1.1.1.1'] },
    says: /: dns\.trusted\[0\]: found a quic:\/\/ link, expected .*\n.*known are udp:\/\/, tcp:\/\/, tls:\/\/, https:\/\//,
  },
  {
    name: 'a resolver whose name would have to be resolved',
    dns: { trusted: ['https://dns.google/dns-query'] },
    says: /: dns\.trusted\[0\]: .*\n.*https:\/\/ADDRESS\/dns-query#dns\.google/,
  },
  {
    name: 'a trusted resolver that the upstream cannot reach',
    dns: { trusted: ['8.8.8.8'] },
    says: /: dns\.trusted\[0\]: .*\n.*the upstream carries no UDP: write "tcp:\/\/8\.8\.8\.8"/,
  },
  {
    name: 'a certificate that is not there',
    dns: { trusted: [{ url: 'tls://1.1.1.1', ca: '/none.pem' }] },
    says: /: dns\.trusted\[0\]\.ca: found "\/none\.pem", no such file, expected a PEM file with a certificate\n.*check the path/,
  },
  { name: 'no resolver', dns: { trusted: [] }, says: /: dns\.trusted: .*expected .*at least one/ },
  {
    name: 'a wildcard in the middle',
    dns: { block: ['www.*.example'] },
    says: /: dns\.block\[0\]: found "www\.\*\.example", .*\n.*\*\.example\.com/,
  },
  {
    name: 'a wildcard within a label',
    dns: { hosts: { 'a*.example': '192.0.2.1' } },
    says: /: dns\.hosts\.?.*a\*\.example.*\n.*a \* can only stand in front/,
  },
  {
    name: 'a host with an address of no family',
    dns: { hosts: { 'a.example': ['192.0.2.1', '192.0.2.1.1'] } },
    says: /: dns\.hosts.*a\.example.*192\.0\.2\.1\.1.*an (?:IP|IPv4 or IPv6) address/,
  },
  { name: 'port 53', dns: { port: 53 }, says: /: dns\.port: found 53, .*\n.*other DNS servers/ },
  {
    name: 'a type that is none',
    dns: { 'refuse-types': { china: ['AAAAA'] } },
    says: /"AAAAA".*such as "AAAA"/,
  },
  { name: 'an unknown key', dns: { unkown: 'race' }, says: /: dns\.unkown: .*\n.*did you mean .*unknown/ },
  {
    name: 'a list that anybody could change',
    dns: { lists: { china: ['http://lists.example/china.txt'] } },
    says: /: dns\.lists\.china\[0\]: .*\n.*anybody on the way/,
  },
];

describeNeeding(['root', 'ip', 'nft', 'iptables', 'ipset', 'dig'], 'snet run', () => {
  const folder = folderForAll();
  let ns: Netns;
  let before: string;

  beforeAll(async () => {
    ns = await Netns.create('client');
    before = await firewalls(ns);
  });
  afterAll(() => ns[Symbol.asyncDispose]());

  test.each(REFUSED)('refuses $name', async ({ dns, says }) => {
    const { code, stdout, stderr } = await ns.run(
      Netns.snet(['run', '-c', await configure(folder.path, dns)]),
    );
    expect(stderr).toMatch(says);
    expect(code).toBe(EXIT.config.code);
    expect(stdout).toBe('');
    expect(stderr.match(/^snet: /gm)).toHaveLength(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(await firewalls(ns)).toBe(before);
  });

  test('does without a list that is missing and without lines that are none, says which, and uses the rest', async () => {
    const list = folder.file('block.txt');
    await writeFile(
      list,
      'ads.example\nnot a name\n# a remark\n0.0.0.0 tracker.example\n||banner.example^\nb..d\n',
    );
    const file = await configure(folder.path, { lists: { block: ['missing.txt', 'block.txt'] } });
    await using snet = await startSnet(ns, ['-c', file], { dns: true });
    const warnings = snet
      .said()
      .match(/^.* warn .*$/gm)!
      .map((line) => line.slice(line.indexOf('list: ')));
    expect(warnings).toEqual([
      `list: ${folder.path}/missing.txt: no such list file, not used`,
      expect.stringMatching(new RegExp(`^list: ${list}:2: .+ left out: "not a name"$`)),
      expect.stringMatching(new RegExp(`^list: ${list}:6: .+ left out: "b\\.\\.d"$`)),
    ]);
    for (const name of ['ads.example', 'tracker.example', 'any.banner.example'])
      expect(statusOf(await ns.must(dig('@127.0.0.1', '-p', '1053', name)))).toBe('NXDOMAIN');
    await stop(snet);
  });
});
