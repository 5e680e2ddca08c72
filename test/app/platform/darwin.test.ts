import { expect, test } from 'bun:test';
import { darwin } from '../../../src/app/platform/darwin.ts';
import { silent } from '../../../src/base/log.ts';
import type { Runner } from '../../../src/base/runner.ts';
import type { RedirectConfig } from '../../../src/config/config.ts';

const REDIRECT: RedirectConfig = { mechanism: 'auto', gid: 7777, ipv6Fallback: 'block', reloadPfConf: false };

/** Nothing is asked of the system before these are refused. */
const runner: Runner = {
  run: () => Promise.reject(new Error('nothing is run')),
  start: () => {
    throw new Error('nothing is started');
  },
};

test.each<readonly [Partial<RedirectConfig>, string]>([
  [{ mechanism: 'nftables' }, 'there is no nftables on macOS'],
  [{ mechanism: 'iptables' }, 'there is no iptables on macOS'],
])('prepare() refuses %j', async (more, message) => {
  const error: unknown = await darwin(runner)
    .prepare({ ...REDIRECT, ...more }, silent)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ status: 'ERR_REDIRECT_UNSUPPORTED', message, hint: expect.anything() });
});
