/** Streams by the kernel's own TCP, as the application gives them for resolvers that are asked directly. */
import type { ByteStreamEvents, OpenStream } from '../../../src/net/byte_stream.ts';
import { formatAddress } from '../../../src/net/address.ts';

/** Of this process: opened by {@link openDirect} and not yet closed. */
export const opened = new Set<object>();

export const openDirect: OpenStream = ({ address, port }, events: ByteStreamEvents) => {
  const key = {};
  opened.add(key);
  let isOver = false;
  let waiting = Buffer.alloc(0);
  let socket: Bun.Socket | undefined;
  const flush = () => {
    if (!socket || waiting.length === 0) return;
    waiting = waiting.subarray(Math.max(0, socket.write(waiting)));
  };
  const over = (error: Error | undefined) => {
    opened.delete(key);
    if (isOver) return;
    isOver = true;
    events.close(error);
  };
  Bun.connect({
    hostname: formatAddress(address),
    port,
    socket: {
      binaryType: 'uint8array',
      open(it) {
        socket = it;
        it.setNoDelay(true);
        if (isOver) it.terminate();
        else events.open();
      },
      data(_, bytes) {
        if (!isOver) events.data(bytes);
      },
      drain: flush,
      end: (it) => it.terminate(),
      close: (_, error) => over(error),
      connectError: (_, error) => over(error),
    },
  }).catch(() => {});
  return {
    write(bytes) {
      waiting = Buffer.concat([waiting, bytes]);
      flush();
    },
    close() {
      isOver = true;
      socket?.terminate();
    },
  };
};
