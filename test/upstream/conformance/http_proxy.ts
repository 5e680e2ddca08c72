/** An HTTP proxy's end: it wants exactly the request that we mean to send. */
import { parseAddress } from '../../../src/net/address.ts';
import type { Target } from '../../../src/net/target.ts';
import { NOTHING, type FarEnd } from './far_end.ts';

const REQUEST = /^CONNECT (\S+) HTTP\/1\.1\r\nHost: (\S+)\r\n(?:Proxy-Authorization: (.+)\r\n)?\r\n$/;

/** @param authorization the field's value that it wants; undefined: it wants that there is none */
export function httpProxy(authorization?: string): FarEnd {
  let request = '';
  let target: Target | undefined;

  function read(head: string): void {
    const [, authority, host, sent] = REQUEST.exec(head) ?? [];
    if (authority === undefined || host !== authority) throw new Error(`a malformed request: ${head}`);
    if (sent !== authorization) throw new Error(`wrong credentials: ${sent}`);
    target = targetOf(authority);
  }

  return {
    get target() {
      return target;
    },
    take(wire) {
      if (target) return { answer: NOTHING, plain: wire };
      request += Buffer.from(wire).toString('latin1');
      const end = request.indexOf('\r\n\r\n') + 4;
      if (end < 4) return { answer: NOTHING, plain: NOTHING };
      read(request.slice(0, end));
      const answer = Buffer.from('HTTP/1.1 200 Connection established\r\nVia: 1.1 far\r\n\r\n');
      return { answer, plain: Buffer.from(request.slice(end), 'latin1') };
    },
    takeEnd() {
      if (!target) throw new Error('the request was cut off');
    },
    send: (plain) => plain,
    dispose: () => {},
  };
}

function targetOf(authority: string): Target {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(authority);
  if (!parts) throw new Error(`a malformed authority: ${authority}`);
  const host = parts[1] ?? parts[2]!;
  const address = parseAddress(host);
  const port = Number(parts[3]);
  return address ? { address, port } : { name: host, port };
}
