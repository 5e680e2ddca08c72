/** Bun's callbacks of clients' sockets, handed on to the relay that the socket belongs to. One object for all sockets. */
import type { SocketHandler } from 'bun';
import type { ClientSocket, Relay } from './relay.ts';

/** @param accept makes a relay and puts it into `socket.data`, or ends the socket */
export function clientHandlers(accept: (socket: ClientSocket) => void): SocketHandler<Relay | undefined> {
  return {
    open: accept,
    data: (socket, chunk) => socket.data?.clientData(chunk),
    end: (socket) => socket.data?.clientEnd(),
    drain: (socket) => socket.data?.clientDrain(),
    close: (socket, error) => socket.data?.clientClose(error),
    error: (socket, error) => socket.data?.settle('ERR_INTERNAL', error),
  };
}
