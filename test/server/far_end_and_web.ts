/** For interop.test.ts: our far end, and a web server that gives back the body that it is sent, in one process. */
import { startFarEnd } from '../../src/demo/far_end.ts';
import { METHODS, type CipherName } from '../../src/upstream/shadowsocks/methods.ts';
import { Secret } from '../../src/base/secret.ts';

const [method, password, port, webPort] = process.argv.slice(2) as [CipherName, string, string, string];

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(webPort),
  maxRequestBodySize: 2 ** 30,
  fetch: (request) => new Response(request.body),
});
startFarEnd({
  credentials: { method: METHODS[method], password: new Secret(password) },
  hostname: '127.0.0.1',
  port: Number(port),
  log: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write('ready\n');
