/** What the listeners know of the resolver. */

export type Transport = 'udp' | 'tcp';

/**
 * One query, as it came.
 * @param message not changed, and kept no longer than until the answer is there
 * @param client the asker's address, for the log
 * @param transport an answer over UDP is no longer than the asker can take
 * @returns the answer, whose bytes are the caller's: at once if nobody had to be asked. The promise never rejects.
 *   Undefined: nothing that could be answered.
 */
export type Resolve = (
  message: Uint8Array,
  client: string,
  transport: Transport,
) => Uint8Array | Promise<Uint8Array> | undefined;
