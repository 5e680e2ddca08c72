/** A conversation with nf_tables over one netlink socket: numbers the requests, finds the answers to them. */
import { errnoName } from '../../../ffi/errno.ts';
import { NETLINK_NETFILTER, openNetlink } from '../../../ffi/netlink.ts';
import { encodeBatch, encodeRequest, readReplies, type Message, type Reply } from './message.ts';

/** The kernel answers from within `send`; this is only reached if it is broken. In milliseconds. */
const PATIENCE = 5000;

/** Why nothing of a batch was done, or why a request has no answer. */
export interface Refusal {
  /** The request at fault; undefined: the kernel refused to look at them, or all of them together. */
  readonly request: Pick<Message, 'object' | 'type'> | undefined;
  readonly errno: number;
  /** Its name, and what else the kernel said of it. */
  readonly reason: string;
}

export type Attributes = ReadonlyMap<number, Uint8Array>;

export interface Connection {
  /** What the kernel calls the owner of a table made here. */
  readonly portId: number;
  /**
   * Carries out all messages or none. With `commit` false none in any case: whether they would be is the answer.
   * @returns undefined if all is well, else the first message at fault
   * @throws SystemError if the conversation itself fails
   */
  transact(messages: readonly Message[], options?: { readonly commit: boolean }): Refusal | undefined;
  /**
   * @returns the attributes of the object that one GET message asks for
   * @throws SystemError if the conversation itself fails
   */
  ask(message: Message): Attributes | Refusal;
  /** Ends the conversation; the kernel removes what is owned by it. Does nothing the second time. */
  close(): void;
}

/** @throws SystemError, EPROTONOSUPPORT or EAFNOSUPPORT if the kernel has no netfilter netlink at all */
export function connect(): Connection {
  const socket = openNetlink(NETLINK_NETFILTER, PATIENCE);
  let next = 1;

  return {
    portId: socket.portId,
    close: () => socket.close(),

    transact(messages, { commit } = { commit: true }) {
      const batch = next;
      const last = batch + messages.length;
      next = last + 2;
      socket.send(encodeBatch(messages, batch, commit));
      const failed = new Map<number, Reply & { kind: 'verdict' }>();
      for (;;) {
        for (const reply of readReplies(socket.receive())) {
          // What is left of an earlier batch has smaller numbers.
          if (reply.kind !== 'verdict' || reply.sequence < batch || reply.sequence > last) continue;
          if (reply.errno !== 0) failed.set(reply.sequence, failed.get(reply.sequence) ?? reply);
          // The last message is always answered, unless the batch was not looked into at all.
          if (reply.sequence !== last && !(reply.sequence === batch && reply.errno !== 0)) continue;
          const first = failed.get(Math.min(...failed.keys()));
          return first && refusal(first, messages[first.sequence - batch - 1]);
        }
      }
    },

    ask(message) {
      const sequence = next++;
      socket.send(encodeRequest(message, sequence));
      let found: Attributes | undefined;
      for (;;) {
        for (const reply of readReplies(socket.receive())) {
          if (reply.sequence !== sequence) continue;
          if (reply.kind === 'object') found = copied(reply.attributes);
          else if (reply.kind !== 'verdict') continue;
          else if (reply.errno !== 0) return refusal(reply, message);
          else return found ?? new Map();
        }
      }
    },
  };
}

function refusal(
  { errno, text, offset }: Reply & { kind: 'verdict' },
  request: Message | undefined,
): Refusal {
  const details = [text, offset === undefined ? undefined : `at byte ${offset} of the message`];
  const said = details.filter((detail) => detail !== undefined).join(', ');
  return {
    request,
    errno,
    reason: errnoName(errno, 'linux') + (said && ` (${said})`),
  };
}

/** Attributes of a reply are views into the socket's buffer, which the next answer overwrites. */
function copied(attributes: Attributes): Attributes {
  return new Map(Array.from(attributes, ([type, value]) => [type, value.slice()]));
}
