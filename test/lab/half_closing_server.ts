/**
 * Serves Shadowsocks with our own far end until killed: `half_closing_server.ts METHOD PASSWORD PORT`. For what
 * shadowsocks-libev's server cannot do: it takes the end of one direction for the end of both.
 */
import { startFarEnd } from '../../src/demo/far_end.ts';
import type { MethodName } from '../../src/upstream/shadowsocks/methods.ts';

const [method, password, port] = process.argv.slice(2) as [MethodName, string, string];
startFarEnd({
  method,
  password,
  hostname: '::',
  port: Number(port),
  log: (line) => void process.stdout.write(`${line}\n`),
});
process.stdout.write('ready\n');
