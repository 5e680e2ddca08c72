/** Plans for tests on a real kernel. */
import type { DualRanges } from '../../src/net/ranges.ts';
import type { RedirectPlan } from '../../src/redirect/redirect.ts';

export const PORT = 1111;
/** Of the programs that go free; no group of the machine. */
export const GID = 7777;

/** Sends all but `bypass` to {@link PORT}. */
export const plan = (bypass: DualRanges, more: Partial<RedirectPlan> = {}): RedirectPlan => ({
  port: PORT,
  dns: undefined,
  linkLocalDns: undefined,
  gid: GID,
  ipv6: true,
  bypass,
  ...more,
});
