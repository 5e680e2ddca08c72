/** What `snet run` and `snet clean` need from the operating system: one value a system, so that either can be run, and tested, whole. */
import type { Log } from '../../base/log.ts';
import type { RedirectConfig } from '../../config/config.ts';
import type { Nameservers } from '../../dns/system_resolver.ts';
import type { OriginalDestination } from '../../inbound/original_destination.ts';
import type { Endpoint } from '../../net/address.ts';
import type { Redirect } from '../../redirect/redirect.ts';

export interface Platform {
  /** The system's own resolvers. */
  readonly nameservers: Nameservers;

  /**
   * What must be done before the process takes its group and makes its first socket. Changes nothing on the machine.
   * @throws SnetError if this machine can't do what is needed
   */
  prepare(config: RedirectConfig, log: Log): Promise<Prepared>;

  /**
   * Takes out what any earlier run may have left.
   * @returns what was removed, one phrase each; empty if there was nothing
   * @throws RedirectError if it is no leftover but a running snet's, or could not be removed
   */
  clean(): Promise<string[]>;

  /**
   * The work of the guardian: takes out the rules of a process that has ended.
   * @throws RedirectError
   */
  undoAfter(owner: number): Promise<void>;

  /**
   * Calls back when the machine may have come to another network, or woken up; never twice within a second.
   * @param changed gets what happened, in words, for the log
   */
  watchNetwork(changed: (what: string) => void, log: Log): { stop(): void };
}

/** Ready to catch connections. */
export interface Prepared {
  readonly originalDestination: OriginalDestination;
  /** Is it a connection of our own that only proves that the rules work? It is closed, and told of here. */
  readonly isProof: (destination: Endpoint) => boolean;
  /**
   * Chooses what puts the rules in; no rule is in the kernel yet.
   * @throws RedirectError if there is nothing that can
   */
  selectRedirect(): Promise<{ readonly redirect: Redirect; readonly why: string }>;
  close(): void;
}
