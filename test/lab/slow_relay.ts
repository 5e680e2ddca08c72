/** Passes on what comes to a port, to another of this machine, late: `slow_relay.ts PORT TO MILLISECONDS`, either way. */
const [port, to, delay] = process.argv.slice(2).map(Number);

interface Side {
  other: Bun.Socket<Side> | undefined;
  early: Buffer[];
}

const late = (work: () => void) => void setTimeout(work, delay);

const handlers: Bun.SocketHandler<Side> = {
  data(socket, bytes) {
    const copy = Buffer.from(bytes);
    late(() => {
      const { other, early } = socket.data;
      if (other) other.write(copy);
      else early.push(copy);
    });
  },
  close: (socket) => late(() => socket.data.other?.end()),
};

Bun.listen<Side>({
  hostname: '0.0.0.0',
  port: port!,
  socket: {
    ...handlers,
    async open(near) {
      near.data = { other: undefined, early: [] };
      const data = { other: near, early: [] };
      const far = await Bun.connect<Side>({ hostname: '127.0.0.1', port: to!, data, socket: handlers });
      near.data.other = far;
      for (const bytes of near.data.early) far.write(bytes);
    },
  },
});
process.stdout.write('ready\n');

export {};
