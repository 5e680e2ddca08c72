/** Bun's socket callbacks, handed on to the relay that the socket belongs to. One object each for all sockets. */
import type { SocketHandler } from 'bun';
import type { Relay, RelaySocket } from './relay.ts';

/** For the listener: `accept` makes a relay and puts it into `socket.data`, or ends the socket. */
export function clientHandlers(accept: (socket: RelaySocket) => void): SocketHandler<Relay | undefined> {
  return {
    open: accept,
    data: (socket, chunk) => socket.data?.clientData(chunk),
    end: (socket) => socket.data?.clientEnd(),
    drain: (socket) => socket.data?.clientDrain(),
    close: (socket, error) => socket.data?.clientClose(error),
    error: (socket, error) => socket.data?.settle('ERR_INTERNAL', error),
  };
}

/** For sockets that dial out; `socket.data` is the relay from the start. */
export const remoteHandlers: SocketHandler<Relay | undefined> = {
  open: (socket) => socket.data?.dialled(socket),
  data: (socket, chunk) => socket.data?.remoteData(socket, chunk),
  end: (socket) => socket.data?.remoteEnd(socket),
  drain: (socket) => socket.data?.remoteDrain(socket),
  close: (socket, error) => socket.data?.remoteClose(socket, error),
  error: (socket, error) => socket.data?.settle('ERR_INTERNAL', error),
};
