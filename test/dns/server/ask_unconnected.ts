/**
 * Asks argv[2], which may have a zone, for the IPv4 addresses of argv[3], from a socket that is not connected, at the port
 * argv[4] if that is given. Prints them.
 */
import { addressesOf } from '../../../src/dns/wire/answer.ts';
import { TYPE } from '../../../src/dns/wire/constants.ts';
import { queryFor } from '../../../src/dns/wire/query.ts';
import { formatAddress } from '../../../src/net/address.ts';

const [server, name, own = '0'] = process.argv.slice(2) as [string, string, string?];
const socket = await Bun.udpSocket({
  hostname: '::',
  port: Number(own),
  binaryType: 'uint8array',
  socket: {
    data(_, message, port, from) {
      // As the program that asked would do: who answers must be who was asked.
      if (port !== 53 || from !== server) process.stderr.write(`an answer of ${from}, port ${port}\n`);
      for (const address of addressesOf(message)) process.stdout.write(`${formatAddress(address)}\n`);
      socket.close();
      clearTimeout(patience);
    },
  },
});
const patience = setTimeout(() => {
  process.stderr.write('no answer\n');
  socket.close();
}, 5_000);
socket.send(queryFor(name, TYPE.A, { id: 1 })!, 53, server);
