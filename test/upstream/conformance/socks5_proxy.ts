/** A SOCKS5 proxy's end: it reads one message, answers it, and wants nothing to come before that. */
import { parseTarget, type Target } from '../../../src/net/target.ts';
import { NOTHING, type FarEnd } from './far_end.ts';

/** A reply of success, bound to a name: the longest way to say it. */
const REPLY = Buffer.concat([
  Buffer.from([5, 0, 0, 3, 9]),
  Buffer.from('far.proxy'),
  Buffer.from([0x1f, 0x90]),
]);

/** @param credentials that it wants; undefined: it wants none */
export function socks5Proxy(credentials?: { readonly user: string; readonly password: string }): FarEnd {
  let awaited: 'methods' | 'credentials' | 'request' | 'nothing' = 'methods';
  let held = NOTHING;
  let target: Target | undefined;

  /** @returns the answer to the message that is there, if it is there as a whole */
  function answer(): Uint8Array | undefined {
    if (awaited === 'methods') {
      const wanted = credentials ? [5, 2, 0, 2] : [5, 1, 0];
      if (!isThere(Buffer.from(wanted))) return undefined;
      awaited = credentials ? 'credentials' : 'request';
      return Buffer.from([5, credentials ? 2 : 0]);
    }
    if (awaited === 'credentials') {
      const [user, password] = [Buffer.from(credentials!.user), Buffer.from(credentials!.password)];
      if (!isThere(Buffer.from([1, user.length, ...user, password.length, ...password]))) return undefined;
      awaited = 'request';
      return Buffer.from([1, 0]);
    }
    const parsed = held.length > 3 ? parseTarget(held.subarray(3)) : undefined;
    if (!parsed) return undefined;
    target = parsed.target;
    isThere(Buffer.concat([Buffer.from([5, 1, 0]), held.subarray(3, 3 + parsed.size)]));
    awaited = 'nothing';
    return REPLY;
  }

  function isThere(message: Uint8Array): boolean {
    if (held.length < message.length) return false;
    if (Buffer.compare(held.subarray(0, message.length), message) !== 0)
      throw new Error(`malformed ${awaited}: ${Buffer.from(held).toString('hex')}`);
    if (held.length > message.length) throw new Error(`something behind the ${awaited}`);
    held = NOTHING;
    return true;
  }

  return {
    get target() {
      return target;
    },
    take(wire) {
      if (target) return { answer: NOTHING, plain: wire };
      held = Buffer.concat([held, wire]);
      return { answer: answer() ?? NOTHING, plain: NOTHING };
    },
    takeEnd() {
      if (!target) throw new Error('the request was cut off');
    },
    send: (plain) => plain,
    dispose: () => {},
  };
}
