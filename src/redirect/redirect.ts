/** What every mechanism that puts rules into the kernel has in common. One folder a mechanism beside this file. */
import { SnetError } from '../base/errors.ts';
import type { DualRanges } from '../net/ranges.ts';

/** Those of Linux, best first. */
export const LINUX_MECHANISMS = ['nftables', 'iptables'] as const;
export type LinuxMechanism = (typeof LINUX_MECHANISMS)[number];
export type Mechanism = LinuxMechanism | 'pf';

/** The whole wanted state, declared; a mechanism finds out by itself what that means in its own terms. */
export interface RedirectPlan {
  /** Port of our TCP listeners on 127.0.0.1 and ::1. */
  readonly port: number;
  /** Port of our DNS listeners, UDP and TCP, on 127.0.0.1 and ::1; undefined: port 53 is no different from others. */
  readonly dns: number | undefined;
  /**
   * Port of our DNS listeners, UDP and TCP, on all addresses, for what is asked of link-local resolvers; undefined: that is
   * left alone. Only for a mechanism that `takesLinkLocal`.
   */
  readonly linkLocalDns: number | undefined;
  /** Sockets made under this group id are never redirected: our own, and those of `snet exec --bypass`. */
  readonly gid: number;
  /** Destinations that go straight out, decided in the kernel. */
  readonly bypass: DualRanges;
  /** False where the machine has no IPv6 at all: then no rule speaks of it. */
  readonly ipv6: boolean;
}

/** What of a plan in force stays as it is. */
export const FIXED_KEYS = ['port', 'dns', 'linkLocalDns', 'gid', 'ipv6'] as const;

export interface Redirect {
  readonly mechanism: Mechanism;
  /** It can bring us what is asked of link-local resolvers, and keep other machines from asking in the same place. */
  readonly takesLinkLocal: boolean;

  /**
   * Puts the plan into the kernel, after removing what an earlier run may have left.
   * @throws RedirectError; nothing of ours is in the kernel then
   */
  apply(plan: RedirectPlan): Promise<void>;

  /**
   * Replaces the bypass ranges of the plan in force, all at once: no connection sees a moment without rules.
   * @throws RedirectError; the plan in force stays then
   */
  update(plan: RedirectPlan): Promise<void>;

  /**
   * Looks whether all that `apply` put in is still there and works, and puts it in again if not. Left out: nobody else can
   * take it out.
   * @throws RedirectError
   */
  verify?(): Promise<void>;

  /** As things are, is what is asked of link-local resolvers refused, so that the system asks its others? Left out: it never is. */
  refusesLinkLocal?(): boolean;

  /** Takes out all that `apply` put in. Does nothing the second time. */
  remove(): Promise<void>;
}

export type RedirectStatus =
  /** Not root, or no CAP_NET_ADMIN. */
  | 'ERR_REDIRECT_PERMISSION'
  /** The rules are in the kernel, and catch nothing all the same. */
  | 'ERR_REDIRECT_INEFFECTIVE'
  /** The kernel or the machine lacks what the mechanism needs. The next mechanism may do. */
  | 'ERR_REDIRECT_UNSUPPORTED'
  /** Another process holds our table. */
  | 'ERR_REDIRECT_HELD'
  /** The kernel refused a message; the text names the object at fault. */
  | 'ERR_REDIRECT_KERNEL'
  /** A program (iptables-restore, ipset …) failed; the text has what it said. */
  | 'ERR_REDIRECT_COMMAND';

export class RedirectError extends SnetError<RedirectStatus> {}
