/** A Shadowsocks server's end: it answers nothing of itself. */
import { Outbox } from '../../../src/net/session.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';
import type { Suite } from '../../../src/upstream/shadowsocks/suite.ts';
import { inPieces } from './client.ts';
import { NOTHING, type FarEnd } from './far_end.ts';

const out = new Outbox();

export function shadowsocksServer(suite: Suite): FarEnd {
  const session = new ServerSession(suite);

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
