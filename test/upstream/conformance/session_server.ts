/** A server's end that is a session of ours, and answers nothing of itself. */
import { Outbox, type Session } from '../../../src/net/session.ts';
import type { Target } from '../../../src/net/target.ts';
import { inPieces } from './client.ts';
import { NOTHING, type FarEnd } from './far_end.ts';

const out = new Outbox();

export function sessionServer(session: Session & { readonly target: Target | undefined }): FarEnd {
  function through(verb: 'open' | 'seal', bytes: Uint8Array): Uint8Array {
    const made: Uint8Array[] = [];
    inPieces(bytes, (span, from, to) => {
      out.end = 0;
      session[verb](span, from, to, out);
      made.push(out.bytes.slice(0, out.end));
    });
    return Buffer.concat(made);
  }

  return {
    get target() {
      return session.target;
    },
    take: (wire) => ({ answer: NOTHING, plain: through('open', wire) }),
    takeEnd: () => session.openEnd(),
    send: (plain) => through('seal', plain),
    dispose: () => session.dispose(),
  };
}
