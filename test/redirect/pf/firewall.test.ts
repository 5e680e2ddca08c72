/** The user has a firewall of pf rules of their own, after the anchors in /etc/pf.conf. */
import { expect, test } from 'bun:test';
import { replaceMainRuleset, STOCK_PF_CONF } from '../../lab/mac/mac_state.ts';
import { fateOf } from '../../lab/mac/pf_kernel.ts';
import { at, macForEach, PLAN } from './on_mac.ts';

const on = macForEach();

/** Lets in only answers, which it knows by the state that it keeps of what went out. */
const FIREWALL = `${STOCK_PF_CONF}\
block in all
block out proto tcp from any to any port 25
pass out proto { tcp udp } from any to any port { 53 80 443 } keep state
`;

test('one that was loaded and never switched on is in force with pf, and that is said', async () => {
  const { mac, said } = on();
  mac.change((state) => replaceMainRuleset(state, FIREWALL));
  const pf = on().pf();
  await pf.apply(PLAN);
  expect(said).toEqual([
    expect.stringMatching(
      /^warn: pf was off, and its main ruleset blocks: .* rules=2 first=block drop in all$/,
    ),
  ]);
  await pf.remove();
});

test('what goes straight out is to it as if we were not there', async () => {
  const { mac } = on();
  mac.change((state) => {
    replaceMainRuleset(state, FIREWALL);
    state.pf.isOn = true;
    state.pf.references.push({ token: '7', pid: 7, program: 'pfctl' });
  });
  const fate = (host: string, port: number, more: object = {}) =>
    fateOf(mac.state, {
      protocol: 'tcp',
      source: at('192.168.1.5', 50_000),
      destination: at(host, port),
      interface: 'en0',
      user: 501,
      group: 20,
      ...more,
    });
  const bypassed = () => [
    fate('10.1.2.3', 443),
    fate('10.1.2.3', 25),
    fate('10.1.2.3', 443, { protocol: 'udp' }),
  ];
  const before = bypassed();
  // With a state, or the answers would not come in.
  expect(before).toEqual([
    { what: 'passed', state: 'keep' },
    { what: 'blocked', answer: 'drop' },
    { what: 'passed', state: 'keep' },
  ]);
  const pf = on().pf();
  await pf.apply(PLAN);
  expect(on().said).toEqual([]);
  expect(bypassed()).toEqual(before);
  // Nor is what we catch, or send, in want of its answers.
  expect(fate('93.184.216.34', 443).what).toBe('redirected');
  expect(fate('10.0.0.1', 53, { protocol: 'udp' }).what).toBe('redirected');
  expect(fate('93.184.216.34', 8388, { group: PLAN.gid })).toEqual({ what: 'passed', state: 'keep' });
  await pf.remove();
});
