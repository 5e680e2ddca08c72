/** Once other rules are in force, or the network is another: what is in the cache of local names is of no use any more. */
import { expect, test } from 'bun:test';
import { addressesOf } from '../../src/dns/wire/answer.ts';
import { composeAddresses } from '../../src/dns/wire/compose.ts';
import { TYPE } from '../../src/dns/wire/constants.ts';
import { queryFor } from '../../src/dns/wire/query.ts';
import { formatAddress, parseAddress } from '../../src/net/address.ts';
import { stage, type Scripts } from './resolver_stage.ts';
import type { Line } from './scripted_exchange.ts';

const gives = (text: string): Line => ({
  at: 10,
  says: (query, question) => composeAddresses(query, question, [parseAddress(text)!], 3_600),
});
const TELLS: Scripts = {
  local: () => [gives('192.168.1.7')],
  trusted: () => [gives('203.0.113.7')],
};

type Stage = ReturnType<typeof stage>;

async function ask({ resolver, clock }: Stage, name: string): Promise<string[]> {
  const answer = await clock.until(
    Promise.resolve(resolver.resolve(queryFor(name, TYPE.A)!, '192.0.2.9', 'udp')!),
  );
  return addressesOf(answer).map(formatAddress);
}

test('local names are asked anew, others are not', async () => {
  const on = stage(TELLS);
  const both = async () => [await ask(on, 'printer.lan'), await ask(on, 'a.abroad.example')];
  await both();
  on.resolver.use(on.rules);
  await both();
  await both();
  expect(on.exchanges.local.asked).toHaveLength(2);
  expect(on.exchanges.trusted.asked).toHaveLength(1);
});

test('a name that has become local is asked of the system, though another has answered it; and back', async () => {
  const on = stage(TELLS);
  expect(await ask(on, 'git.abroad.example')).toEqual(['203.0.113.7']);
  const vpn = { has: (name: string) => name.endsWith('abroad.example'), find: () => undefined };
  const known = { ...on.rules.policy.known, local: vpn };
  on.resolver.use({ ...on.rules, policy: { ...on.rules.policy, known } });
  expect(await ask(on, 'git.abroad.example')).toEqual(['192.168.1.7']);
  expect(await ask(on, 'git.abroad.example')).toEqual(['192.168.1.7']);
  expect(on.exchanges.local.asked).toHaveLength(1);
  on.resolver.use(on.rules);
  expect(await ask(on, 'git.abroad.example')).toEqual(['203.0.113.7']);
});
