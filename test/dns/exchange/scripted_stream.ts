/** A resolver's far end in memory: streams whose other side is the test. */
import type { OpenStream } from '../../../src/net/byte_stream.ts';
import { frame } from '../../../src/dns/wire/framing.ts';
import { unframing } from '../wire/unframing.ts';

export interface FarEnd {
  /** The queries that have come on this connection, in order. */
  readonly queries: Uint8Array[];
  /** We have closed it. */
  readonly isClosed: boolean;
  accept(): void;
  /** Sends a message. */
  send(message: Uint8Array): void;
  sendRaw(bytes: Uint8Array): void;
  end(error?: Error): void;
}

export interface ScriptedStreams {
  readonly open: OpenStream;
  /** One a connection, in the order of opening. */
  readonly ends: FarEnd[];
}

/** @param onQuery called with each query; and `accepts` false leaves connecting to the test */
export function scriptedStreams({
  accepts = true,
  onQuery = () => {},
}: {
  readonly accepts?: boolean;
  readonly onQuery?: (query: Uint8Array, end: FarEnd) => void;
} = {}): ScriptedStreams {
  const ends: FarEnd[] = [];
  const open: OpenStream = (_, events) => {
    const unframe = unframing();
    const queries: Uint8Array[] = [];
    let isClosed = false;
    const end: FarEnd = {
      queries,
      get isClosed() {
        return isClosed;
      },
      accept: () => events.open(),
      send: (message) => events.data(frame(message)),
      sendRaw: (bytes) => events.data(bytes),
      end: (error) => events.close(error),
    };
    ends.push(end);
    if (accepts) queueMicrotask(() => end.accept());
    return {
      write(bytes) {
        if (isClosed) throw new Error('written to after it was closed');
        for (const query of unframe(bytes.slice())) {
          queries.push(query);
          queueMicrotask(() => onQuery(query, end));
        }
      },
      close: () => (isClosed = true),
    };
  };
  return { open, ends };
}
