import { expect, test } from 'bun:test';
import type { Status } from '../../src/app/control.ts';
import { rendered } from '../../src/cli/status.ts';

const STATUS: Status = {
  version: '2.0.0',
  pid: 42,
  uptime: 93_784,
  mechanism: 'nftables',
  upstream: '2 upstreams, failover',
  upstreams: [
    {
      label: 'socks5 192.0.2.1:1080',
      isUp: false,
      failureRate: 0.36,
      lastFailure: 'ERR_DIAL_REFUSED',
      lastHop: 'socks5 203.0.113.9:1080',
      since: 61,
    },
    { label: 'http 192.0.2.2:3128', isUp: true, latency: 42, failureRate: 0, since: 5 },
  ],
  scope: 'bypass-cn',
  dns: { port: 1053, answers: 7, verdicts: 3, resolvers: [] },
  flows: { accepted: 10, open: 2, bytesUp: 1536 * 1024, bytesDown: 0, ended: { OK: 6, ERR_IDLE: 2 } },
};

test('tells a person all that there is, a line each', () => {
  expect(rendered(STATUS).split('\n')).toEqual([
    'snet 2.0.0, process 42, up 1 d 2 h',
    'redirect  nftables, bypass-cn',
    'flows     2 open of 10, 1.5 MiB up, 0.0 MiB down in those that ended',
    'failed    ERR_IDLE 2',
    'dns       port 1053, 7 answers and 3 verdicts kept',
    'upstreams 2 upstreams, failover',
    '  socks5 192.0.2.1:1080: DOWN for 1 min 1 s, 36 % of attempts failed lately, last failure ERR_DIAL_REFUSED at socks5 203.0.113.9:1080',
    '  http 192.0.2.2:3128: up for 5 s, 42 ms',
  ]);
});

test('lets no upstream whose name is somebody else’s drive the terminal', () => {
  const text = rendered({ ...STATUS, upstreams: [{ label: 'socks5 h:1 (\u001B[2J\u202E)' }] });
  expect(text).toEndWith('upstream  socks5 h:1 (\\u{1b}[2J\\u{202e})');
});

test('says of one upstream what it is, and of names that they are left alone', () => {
  const text = rendered({ ...STATUS, upstreams: [{ label: 'socks5 h:1' }], dns: undefined });
  expect(text).toEndWith('dns       left alone\nupstream  socks5 h:1');
});
