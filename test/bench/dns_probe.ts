/**
 * Asks one question after the other, and prints as JSON the milliseconds that each answer took: dnsperf sleeps between
 * queries that are few, and finds their answers late. Run inside the client's namespace: `bun dns_probe.ts FILE SERVER PORT`.
 */
import { readFileSync } from 'node:fs';
import { rcodeOf } from '../../src/dns/wire/answer.ts';
import { RCODE } from '../../src/dns/wire/constants.ts';
import { idOf } from '../../src/dns/wire/header.ts';
import { queryFor } from '../../src/dns/wire/query.ts';

const [file, hostname, port] = process.argv.slice(2) as [string, string, string];
const names = readFileSync(file, 'utf8').trim().split('\n');
const times: number[] = [];
let began = 0;

const socket = await Bun.udpSocket({
  connect: { hostname, port: Number(port) },
  binaryType: 'uint8array',
  socket: {
    data(_, message) {
      const took = performance.now() - began;
      if (idOf(message) !== times.length) return;
      if (rcodeOf(message) !== RCODE.NOERROR) throw new Error(`${names[times.length]}: ${rcodeOf(message)}`);
      times.push(took);
      if (times.length < names.length) next();
      else finish();
    },
  },
});

function next(): void {
  const [name] = names[times.length]!.split(' ');
  const query = queryFor(name!, 1, { id: times.length, payload: null })!;
  began = performance.now();
  socket.send(query);
}

function finish(): void {
  socket.close();
  process.stdout.write(JSON.stringify(times));
}

next();
