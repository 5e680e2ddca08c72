/** The far end of framed messages, for servers that tests script. */
import { createUnframer } from '../../../src/dns/wire/framing.ts';

/** @returns a function from the next bytes of a stream, cut anywhere, to the messages that are whole by then */
export function unframing(): (bytes: Uint8Array) => Uint8Array[] {
  const unframer = createUnframer();
  return (bytes) => {
    unframer.push(bytes);
    const messages: Uint8Array[] = [];
    for (let next = unframer.next(); next !== undefined; next = unframer.next())
      messages.push(new Uint8Array(next));
    return messages;
  };
}
