/**
 * Asks a resolver over UDP for argv[3] distinct names whose answers take 2 s, all within that time, and until each has an
 * answer. Prints how many names got which RCODE.
 */
import { rcodeOf } from '../../../src/dns/wire/answer.ts';
import { rcodeName } from '../../../src/dns/wire/constants.ts';
import { idOf } from '../../../src/dns/wire/header.ts';
import { queryFor } from '../../../src/dns/wire/query.ts';

const [port, count] = process.argv.slice(2).map(Number) as [number, number];
const answered = new Map<number, string>();

const socket = await Bun.udpSocket({
  connect: { hostname: '127.0.0.1', port },
  binaryType: 'uint8array',
  socket: {
    data(_, message) {
      const id = idOf(message);
      answered.set(id, rcodeName(rcodeOf(message)));
    },
  },
});
const ask = (name: string, id: number) => socket.send(queryFor(name, 1, { id })!);

/** What is lost on the way is asked for again. */
async function askUnanswered(): Promise<void> {
  let sent = 0;
  for (let id = 0; id < count; id++) {
    if (answered.has(id)) continue;
    ask(`slow-2000-${id}.example`, id);
    if (++sent % 100 === 0) await Bun.sleep(5);
  }
}

await askUnanswered();
while (answered.size < count) {
  await Bun.sleep(2_500);
  await askUnanswered();
}
const counts: Record<string, number> = {};
for (const rcode of answered.values()) counts[rcode] = (counts[rcode] ?? 0) + 1;
process.stdout.write(`${JSON.stringify(counts)}\n`);
socket.close();
