/** What the first heads of both directions have in common: `type (1) | time (8)`, then what differs (SIP022 §3.1.3). */
import { ClockError, SessionError } from '../../net/session.ts';

export const REQUEST = 0;
export const RESPONSE = 1;
export const STAMP_SIZE = 1 + 8;

/** The most bytes of padding. */
export const PADDING_LIMIT = 900;

/** Seconds that the two clocks may differ; more is a replay. */
const MOST_APART = 30;

/** @param now milliseconds since 1970 */
export function writeStamp(into: Uint8Array, type: number, now: number): void {
  into[0] = type;
  let rest = Math.floor(now / 1000);
  for (let i = STAMP_SIZE - 1; i > 0; i--) {
    into[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/**
 * @param type the one that it must be
 * @param peer who sent it, for the message
 * @throws SessionError ERR_PROTOCOL; of a time that is too far off, {@link ClockError}
 */
export function checkStamp(head: Uint8Array, type: number, peer: 'client' | 'server', now: number): void {
  if (head[0] !== type) {
    const what = head[0] === REQUEST ? 'a request' : head[0] === RESPONSE ? 'a response' : `type ${head[0]}`;
    throw new SessionError('ERR_PROTOCOL', `the ${peer} sent ${what}, out of its turn`);
  }
  let seconds = 0;
  for (let i = 1; i < STAMP_SIZE; i++) seconds = seconds * 256 + head[i]!;
  const ahead = seconds - Math.floor(now / 1000);
  const apart = Math.abs(ahead);
  if (apart > MOST_APART)
    throw new ClockError(`the ${peer}'s clock differs by ${apart} s: check both clocks`, apart, ahead > 0, {
      hint: `at most ${MOST_APART} s are allowed; if both clocks are right, somebody replays an old connection`,
    });
}
