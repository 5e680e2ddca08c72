/** What a proxy answers with, by its number: each has its word in the log, and what opens a tunnel loses no byte. */
import { expect, test } from 'bun:test';
import type { FlowStatus } from '../../src/net/flow_status.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { startListener, upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

const PORT = 9000;
const AT = `${FAR.v4}:${PORT}`;
/** What an answer ends with: no address that it was bound to. */
const BOUND = String.raw`\0\001\0\0\0\0\0\0`;

const octal = (byte: number) => `\\${byte.toString(8).padStart(3, '0')}`;

interface Reply {
  /** As printf has it. */
  readonly says: string;
  readonly status: FlowStatus;
  /** In the log's reason. */
  readonly reason: string;
}

const http = (line: string, status: FlowStatus): [string, Reply] => [
  `http, ${line}`,
  { says: String.raw`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`, status, reason: `answers ${line}` },
];
const socks5 = (code: number, words: string, status: FlowStatus): [string, Reply] => [
  `socks5, ${code}`,
  {
    says: String.raw`\005\0\005${octal(code)}${BOUND}`,
    status,
    reason: `replies ${code}: ${words}`,
  },
];

const REPLIES = new Map<string, Reply>([
  http('400 Bad Request', 'ERR_PROXY_FAILED'),
  http('403 Forbidden', 'ERR_PROXY_DENIED'),
  http('405 Method Not Allowed', 'ERR_PROXY_UNSUPPORTED'),
  http('407 Proxy Authentication Required', 'ERR_PROXY_AUTH'),
  http('429 Too Many Requests', 'ERR_PROXY_UNAVAILABLE'),
  http('500 Internal Server Error', 'ERR_PROXY_FAILED'),
  http('502 Bad Gateway', 'ERR_TARGET_UNREACHABLE'),
  http('503 Service Unavailable', 'ERR_PROXY_UNAVAILABLE'),
  http('504 Gateway Timeout', 'ERR_TARGET_TIMEOUT'),
  socks5(1, 'general SOCKS server failure', 'ERR_PROXY_FAILED'),
  socks5(2, 'connection not allowed by ruleset', 'ERR_PROXY_DENIED'),
  socks5(3, 'network unreachable', 'ERR_TARGET_UNREACHABLE'),
  socks5(4, 'host unreachable', 'ERR_TARGET_UNREACHABLE'),
  socks5(5, 'connection refused', 'ERR_TARGET_REFUSED'),
  socks5(6, 'TTL expired', 'ERR_TARGET_TIMEOUT'),
  socks5(7, 'command not supported', 'ERR_PROXY_UNSUPPORTED'),
  socks5(8, 'address type not supported', 'ERR_PROXY_UNSUPPORTED'),
]);

/** Answers that open a tunnel, with the origin's first bytes behind them at once. */
const OPEN = {
  'http, 200': String.raw`HTTP/1.1 200 Connection established\r\n\r\n`,
  'http, HTTP/1.0': String.raw`HTTP/1.0 200 OK\r\nProxy-agent: old\r\n\r\n`,
  'http, another 2xx': String.raw`HTTP/1.1 299 Whatever\r\n\r\n`,
  'http, 100 before it': String.raw`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`,
  'http, no reason': String.raw`HTTP/1.1 200\r\n\r\n`,
  'socks5, an IPv4 address': String.raw`\005\0\005\0${BOUND}`,
  'socks5, a name': String.raw`\005\0\005\0\0\003\004bind\0\120`,
} as const;

describeNeeding(['root', 'ip', 'bash', 'curl', 'nft', 'ss', 'socat'], 'a proxy that answers', () => {
  const lab = upstreamsForAll();

  /** Says this on each connection, and keeps it. */
  async function startProxy(says: string) {
    const file = lab.folder.file('proxy.sh');
    await Bun.write(file, `printf '${says}'; exec sleep 60`);
    return startListener(
      lab.internet,
      PORT,
      `exec socat TCP-LISTEN:${PORT},reuseaddr,fork "EXEC:sh ${file}"`,
    );
  }
  const upstreamOf = (name: string) => `${name.split(',')[0]}://${AT}`;

  test.each([...REPLIES])('%s', async (name, { says, status, reason }) => {
    await using _proxy = await startProxy(says);
    await lab.withSnet(upstreamOf(name), async (snet) => {
      expect(await lab.endOf(snet, () => lab.fetch(url(ABROAD.v4)))).toEqual(['reset', status]);
      expect(snet.said()).toContain(reason);
    });
  });

  test.each(Object.entries(OPEN))('%s, has opened a tunnel', async (name, says) => {
    await using _proxy = await startProxy(String.raw`${says}hello\n`);
    await lab.withSnet(upstreamOf(name), async () => {
      expect(await lab.listen(ABROAD.v4, 25)).toBe('well');
      const read = `exec 3<>/dev/tcp/${ABROAD.v4}/25 && exec head -n1 <&3`;
      expect(await lab.internet.client.must(['timeout', '9', 'bash', '-c', read])).toBe('hello\n');
    });
  });
});
