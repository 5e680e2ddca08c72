/**
 * Serves Shadowsocks with our own far end until killed: `half_closing_server.ts METHOD PASSWORD PORT`. For what
 * shadowsocks-libev's server cannot do: it takes the end of one direction for the end of both.
 */
import { startFarEnd } from '../../src/demo/far_end.ts';
import { METHODS, type CipherName } from '../../src/upstream/shadowsocks/methods.ts';
import { Secret } from '../../src/base/secret.ts';

const [method, password, port] = process.argv.slice(2) as [CipherName, string, string];
startFarEnd({
  credentials: { method: METHODS[method], password: new Secret(password) },
  hostname: '::',
  port: Number(port),
  log: (line) => void process.stdout.write(`${line}\n`),
});
process.stdout.write('ready\n');
