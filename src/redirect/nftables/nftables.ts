/**
 * Rules in one nf_tables table that our netlink socket owns: it is open from `apply` to `remove`. Nobody else can
 * change the table, and when the process ends, in whatever way, the kernel removes it.
 */
import { errnoOf } from '../../../ffi/errno.ts';
import { silent, type Log } from '../../base/log.ts';
import { NO_RANGES, rangeCount } from '../../net/ranges.ts';
import { FIXED_KEYS, RedirectError, type Redirect, type RedirectPlan } from '../redirect.ts';
import { connect, type Connection, type Refusal } from './connection.ts';
import { changeRefused, conversationFailed, creationRefused, held, isLacking } from './failure.ts';
import { findHolder } from './holder.ts';
import type { Message } from './message.ts';
import { deleteTable, getTable } from './object.ts';
import { LOCALITY, replaceRanges, ruleset, TABLE, type Locality } from './ruleset.ts';
import { readU32 } from './attribute.ts';
import { NFT_MSG, NFTA_TABLE } from './uapi.ts';

/** The mechanism. `log` hears what was done differently than usual, and how large the rules are. */
export function createNftables(log: Log = silent): Redirect {
  let inForce: { readonly connection: Connection; readonly plan: RedirectPlan } | undefined;

  return {
    mechanism: 'nftables',
    takesLinkLocal: true,

    async apply(plan) {
      const connection = inForce?.connection ?? spoken(connect);
      inForce = undefined;
      try {
        install(connection, plan, log);
      } catch (error) {
        connection.close();
        throw conversationFailed(error);
      }
      inForce = { connection, plan };
    },

    async update(plan) {
      if (!inForce) throw new TypeError('update without apply');
      const { connection, plan: old } = inForce;
      for (const key of FIXED_KEYS) {
        if (plan[key] !== old[key]) throw new TypeError(`update changes ranges only, not ${key}`);
      }
      const refusal = spoken(() => connection.transact(replaceRanges(plan)));
      if (refusal) throw changeRefused(refusal);
      inForce = { connection, plan };
    },

    async remove() {
      if (!inForce) return;
      const { connection } = inForce;
      inForce = undefined;
      // Closing the socket removes the table as well, but would not say so if it failed.
      try {
        const refusal = spoken(() => connection.transact([deleteTable(TABLE)]));
        if (refusal) throw changeRefused(refusal);
      } finally {
        connection.close();
      }
    },
  };
}

/**
 * Removes a table of our name that no living process owns, as `nft -f` of a saved ruleset would leave it.
 * @returns what was removed, in words; empty if there was nothing
 * @throws RedirectError, ERR_REDIRECT_HELD if a running process owns the table
 */
export async function cleanNftables(): Promise<string[]> {
  let connection: Connection | undefined;
  try {
    connection = connect();
    if (!findFree(connection)) return [];
    const refusal = connection.transact([deleteTable(TABLE)]);
    if (refusal) throw changeRefused(refusal);
    return [`the nftables table inet ${TABLE}, which no process owned`];
  } catch (error) {
    const failure = conversationFailed(error);
    // A kernel without nf_tables has nothing of ours.
    if (failure instanceof RedirectError && failure.status === 'ERR_REDIRECT_UNSUPPORTED') return [];
    throw failure;
  } finally {
    connection?.close();
  }
}

/**
 * Can rules be made here? Has the kernel check all of them, and undo them, before they see any packet.
 * @returns undefined if they can, else why not
 */
export function probeNftables(): string | undefined {
  const plan: RedirectPlan = { port: 1, dns: 1, linkLocalDns: 1, gid: 0, bypass: NO_RANGES, ipv6: true };
  try {
    const connection = connect();
    try {
      const { refusal } = makeRules(plan, (messages) => connection.transact(messages, { commit: false }), {
        table: `${TABLE}-probe-${process.pid}`,
      });
      return refusal && creationRefused(refusal).message;
    } finally {
      connection.close();
    }
  } catch (error) {
    const failure = conversationFailed(error);
    if (failure instanceof RedirectError) return failure.message;
    throw failure;
  }
}

/** Makes our table, in place of one that we own ourselves or that nobody does. */
function install(connection: Connection, plan: RedirectPlan, log: Log): void {
  const found = findFree(connection);
  if (found && found.owner === undefined)
    log.warn('replacing an nftables table that nobody owns', { table: TABLE });

  const started = performance.now();
  const { locality, refusal } = makeRules(plan, (messages) => connection.transact(messages), {
    before: found ? [deleteTable(TABLE)] : [],
  });
  if (refusal) {
    // Somebody may have been quicker.
    findFree(connection);
    throw creationRefused(refusal);
  }
  if (locality !== LOCALITY[0])
    log.info('no fib expression in this kernel: local addresses are told by their device');
  log.debug('nftables rules are in place', {
    v4: rangeCount(plan.bypass.v4),
    v6: plan.ipv6 ? rangeCount(plan.bypass.v6) : undefined,
    ms: Math.round(performance.now() - started),
  });
}

/** Offers the kernel the plan's rules in the best form that it knows. */
export function makeRules(
  plan: RedirectPlan,
  transact: (messages: readonly Message[]) => Refusal | undefined,
  { before = [], table = TABLE }: { readonly before?: readonly Message[]; readonly table?: string } = {},
): { readonly locality: Locality; readonly refusal: Refusal | undefined } {
  const offer = (locality: Locality) => transact([...before, ...ruleset(plan, locality, table)]);
  const refusal = offer('fib');
  if (refusal?.request?.type === NFT_MSG.NEWRULE && isLacking(refusal))
    return { locality: 'oif', refusal: offer('oif') };
  return { locality: 'fib', refusal };
}

/** A table of our name. */
interface Found {
  /** Port id of the socket that owns it, if one does. */
  readonly owner: number | undefined;
}

/**
 * As {@link findTable}.
 * @throws RedirectError, ERR_REDIRECT_HELD if the table is owned by a socket other than this one
 */
function findFree(connection: Connection): Found | undefined {
  const found = findTable(connection);
  if (found?.owner !== undefined && found.owner !== connection.portId)
    throw held(found.owner, findHolder(found.owner));
  return found;
}

/** @returns undefined if there is no table of our name */
function findTable(connection: Connection): Found | undefined {
  const answer = connection.ask(getTable(TABLE));
  if (!('errno' in answer)) return { owner: readU32(answer.get(NFTA_TABLE.OWNER)) };
  if (answer.errno === errnoOf('ENOENT', 'linux')) return undefined;
  // The table is not at fault: reading is refused for all of them, or for none.
  throw creationRefused({ ...answer, request: undefined });
}

/** Runs a conversation; its failures come out in our own words. */
function spoken<T>(conversation: () => T): T {
  try {
    return conversation();
  } catch (error) {
    throw conversationFailed(error);
  }
}
