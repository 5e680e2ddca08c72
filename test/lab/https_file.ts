/**
 * A program that answers every request over https with what a file holds, and says `asked` to each:
 * `https_file.ts PORT CERTIFICATE KEY FILE`.
 */
const [port, cert, key, file] = process.argv.slice(2);
Bun.serve({
  port: Number(port),
  hostname: '0.0.0.0',
  tls: { cert: Bun.file(cert!), key: Bun.file(key!) },
  fetch() {
    process.stdout.write('asked\n');
    return new Response(Bun.file(file!));
  },
});
process.stdout.write('ready\n');

export {};
