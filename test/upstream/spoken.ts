/** What a handshake says, and what becomes of the answers that it is given. */
import { SessionError, type Handshake } from '../../src/net/session.ts';
import { Client } from './conformance/client.ts';

export interface Spoken {
  /** All that it has said, one string a piece of the answers, the first before any. */
  readonly said: readonly Uint8Array[];
  readonly isOpen: boolean;
  /** What is for the client already. */
  readonly rest: Uint8Array;
  readonly error: SessionError | undefined;
}

/** @param answers given one after the other, whatever it says in between, until it is open or refuses */
export function spoken(handshake: Handshake, answers: readonly Uint8Array[]): Spoken {
  const client = new Client({ handshake }, false);
  const said = [client.begin()];
  let error: SessionError | undefined;
  try {
    for (const answer of answers) said.push(client.receive(answer));
  } catch (thrown) {
    if (!(thrown instanceof SessionError)) throw thrown;
    error = thrown;
  }
  return { said, isOpen: client.isOpen, rest: client.takeReceived(), error };
}

/** The same in pieces of one byte. */
export function bytewise(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** How it ends if the far end closes after `answers`. @throws Error if that is no SessionError */
export function closedAfter(handshake: Handshake, answers: readonly Uint8Array[]): SessionError {
  const client = new Client({ handshake }, false);
  client.begin();
  for (const answer of answers) client.receive(answer);
  try {
    client.receiveEnd();
  } catch (error) {
    if (error instanceof SessionError) return error;
    throw error;
  }
  throw new Error('an end within a handshake is no error');
}
