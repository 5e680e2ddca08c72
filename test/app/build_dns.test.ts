import { expect, test } from 'bun:test';
import { buildDns } from '../../src/app/build_dns.ts';
import { hasDns } from '../../src/app/dns_service.ts';
import type { Policy } from '../../src/app/policy.ts';
import { silent } from '../../src/base/log.ts';
import { loadText } from '../../src/config/load.ts';
import { createVerdicts } from '../../src/dns/cache/verdicts.ts';
import { NO_RANGES } from '../../src/net/ranges.ts';
import { direct } from '../../src/upstream/direct.ts';
import { FILE_NAMESERVERS } from '../../src/dns/system_resolver.ts';
import { single } from '../../src/upstream/single.ts';
import { folderForAll } from '../lab/folder.ts';

const folder = folderForAll();

test("names of upstreams' servers are asked of the machine's own resolver, those of subscriptions too", async () => {
  const load = (upstream: unknown) =>
    loadText({
      name: 'f',
      text: JSON.stringify({ upstream, dns: { local: ['office'], cache: { directory: folder.path } } }),
    }).config;
  const config = load('socks5://file.example:1');
  const more = load([
    { type: 'socks5', server: 'behind.example', port: 1, via: 'http://first.example:1' },
    'socks5://192.0.2.1:1',
  ]);
  if (!hasDns(config)) throw new Error('no resolver');
  const policy: Policy = {
    decide: () => ({ where: 'upstream', why: 'default' }),
    isChinese: () => false,
    isSpecial: () => false,
    upstreams: single(direct),
    configured: [...config.upstreams, ...more.upstreams],
    upstreamStatus: () => [],
    renew: () => {},
    retire: () => {},
    timeouts: config.timeouts,
    bypass: NO_RANGES,
    stop: () => Promise.resolve(),
  };
  const rules = await buildDns(config, policy, createVerdicts(), silent, {
    nameservers: FILE_NAMESERVERS,
    domainsChanged: () => {},
  });
  // What is behind another is resolved there.
  expect(rules.policy.config.local).toEqual(['office', 'file.example', 'first.example']);
  rules.close();
});
