/**
 * A Shadowsocks server that doesn't believe the password says nothing, on purpose, and holds the connection open. No
 * single flow can be told from a slow one; many in a row that were given no byte back can.
 */
import type { Upstream } from './upstream.ts';

/** Flows in a row without a byte back, before it is said. Said again at ten times that, and so on. */
const SUSPICIOUS = 3;

/** @param say is called with how many flows in a row were given no byte back, when it is time to say so */
export function watchSilence(upstream: Upstream, say: (upstream: Upstream, row: number) => void): Upstream {
  let row = 0;
  let next = SUSPICIOUS;
  return {
    ...upstream,
    report(result) {
      upstream.report(result);
      if (result.kind === 'answered') {
        row = 0;
        next = SUSPICIOUS;
      } else if (result.kind === 'silent' && ++row >= next) {
        next *= 10;
        say(upstream, row);
      }
    },
  };
}
