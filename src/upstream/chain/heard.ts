/** What came through the outer tunnel of a chain tells that its server believes us, and has reached the inner one. */
import type { Session } from '../../net/session.ts';

/** Kept by the handshake and the session of one tunnel. */
export interface Heard {
  ofInner: boolean;
}

/**
 * @param outer its session, if it has one
 * @param inner the label of whose answer is waited for
 * @returns the labels of those who may be at fault if nothing more comes; undefined: there are none
 */
export function unheardOf(
  { ofInner }: Heard,
  outer: Session | undefined,
  inner: string | undefined,
): string | undefined {
  if (ofInner || outer?.isOnTrust !== true || outer.hop === undefined) return inner;
  return inner === undefined ? outer.hop : `${outer.hop} or ${inner}`;
}
