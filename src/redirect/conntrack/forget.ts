/**
 * Ends translations that outlive the rules that made them. As long as anybody's rules translate addresses (Docker's), the
 * kernel goes on with each flow as it began, and a UDP flow lasts for as long as its socket sends: the questions of a
 * program that keeps one socket would go to our port when nobody listens there any more.
 */
import { readFileSync } from 'node:fs';
import { errnoOf, SystemError } from '../../../ffi/errno.ts';
import { NETLINK_NETFILTER, openNetlink, type NetlinkSocket } from '../../../ffi/netlink.ts';
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isLinkLocal, isLoopback, sameAddress } from '../../net/address.ts';
import { readReplies } from '../nftables/message.ts';
import { IPPROTO_UDP } from '../nftables/uapi.ts';
import { RedirectError, type Redirect } from '../redirect.ts';
import { forgetTracked, listTracked, readTracked, type Tracked } from './tracked.ts';

const DNS_PORT = 53;
/** Milliseconds. The kernel answers at once. */
const PATIENCE = 5_000;

/** The same, but that with the rules the translations of questions end that they have made. */
export function forgetting(redirect: Redirect, log: Log): Redirect {
  let ports: readonly (number | undefined)[] = [];
  return {
    ...redirect,
    async apply(plan) {
      await redirect.apply(plan);
      ports = [plan.dns, plan.linkLocalDns];
    },
    async remove() {
      await redirect.remove();
      if (ports.every((port) => port === undefined)) return;
      try {
        const count = forgetQuestions((goesTo) => ports.includes(goesTo));
        log.debug('translations of questions are forgotten', { count });
      } catch (error) {
        log.warn('programs that keep a socket may wait for names', { reason: explain(error) });
      }
      ports = [];
    },
  };
}

/**
 * Ends the translations of questions to ports of this machine that no socket has: what a killed run has left.
 * @returns what was removed, in words; empty if there was nothing
 * @throws RedirectError
 */
export function cleanConntrack(): string[] {
  const open = new Set([...portsOf('/proc/self/net/udp'), ...portsOf('/proc/self/net/udp6')]);
  try {
    const count = forgetQuestions((goesTo) => !open.has(goesTo));
    return count === 0
      ? []
      : [`what the kernel remembered of ${count} UDP sockets whose questions came to snet`];
  } catch (cause) {
    const message = `conntrack: the translations of questions can't be looked through: ${explain(cause)}`;
    throw new RedirectError('ERR_REDIRECT_KERNEL', message, { cause });
  }
}

/** @returns how many @throws SystemError */
function forgetQuestions(isMeant: (port: number) => boolean): number {
  let socket: NetlinkSocket | undefined;
  try {
    socket = openNetlink(NETLINK_NETFILTER, PATIENCE);
    const meant = listed(socket).filter((flow) => isTranslatedQuestion(flow) && isMeant(flow.goesTo.port));
    for (const flow of meant) forget(socket, flow);
    return meant.length;
  } catch (error) {
    if (isLacking(error)) return 0;
    throw error;
  } finally {
    socket?.close();
  }
}

/** A question to somebody else that goes to this machine: by loopback, or by a link-local address of its own. */
function isTranslatedQuestion({ protocol, destination, goesTo }: Tracked): boolean {
  if (protocol !== IPPROTO_UDP || destination.port !== DNS_PORT) return false;
  const isHere = isLoopback(goesTo.address) || isLinkLocal(goesTo.address);
  return isHere && !sameAddress(destination.address, goesTo.address);
}

const LIST = 1;
const FORGET = 2;

function listed(socket: NetlinkSocket): Tracked[] {
  const flows: Tracked[] = [];
  socket.send(listTracked(LIST));
  for (;;) {
    for (const reply of readReplies(socket.receive())) {
      if (reply.kind === 'end') return flows;
      if (reply.kind === 'verdict') throw new SystemError('list of flows', reply.errno, reply.text);
      const flow = readTracked(reply.attributes);
      if (flow) flows.push(flow);
    }
  }
}

function forget(socket: NetlinkSocket, flow: Tracked): void {
  socket.send(forgetTracked(flow, FORGET));
  const [verdict] = readReplies(socket.receive());
  if (verdict?.kind !== 'verdict') throw new Error('the kernel gave no verdict on forgetting a flow');
  // It may have ended by itself in between.
  if (verdict.errno === 0 || verdict.errno === errnoOf('ENOENT')) return;
  throw new SystemError('end of a flow', verdict.errno, verdict.text);
}

/** This kernel tracks no connections, or can't be asked about them: EINVAL, of a part of netfilter that it hasn't. */
function isLacking(error: unknown): boolean {
  return error instanceof SystemError && ['EINVAL', 'EPROTONOSUPPORT', 'EAFNOSUPPORT'].includes(error.code);
}

/** The ports of all UDP sockets, from a table of proc_net_tcp's form (in the kernel's documentation). */
function portsOf(path: string): number[] {
  try {
    const rows = readFileSync(path, 'utf8').matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /gm);
    return Array.from(rows, ([, port]) => Number.parseInt(port!, 16));
  } catch {
    // There is no IPv6.
    return [];
  }
}
