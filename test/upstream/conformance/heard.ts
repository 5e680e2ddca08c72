/** What becomes of bytes that a client is given in place of a far end's. */
import { SessionError } from '../../../src/net/session.ts';
import type { Target } from '../../../src/net/target.ts';
import { Client } from './client.ts';
import { NOTHING } from './far_end.ts';
import type { Row } from './row.ts';

export interface Heard {
  /** Of the bytes; `none`: there was nothing wrong with them so far. */
  readonly status: string;
  readonly isOpen: boolean;
  readonly received: Uint8Array;
  /** Of the end behind them, where there was nothing wrong. */
  readonly atEnd: string;
}

/**
 * Gives them to a client after its first words, whatever it answers.
 * @param cuts offsets where a piece ends; sorted, any may repeat
 */
export function heard(row: Row, target: Target, bytes: Uint8Array, cuts: Iterable<number> = []): Heard {
  const client = new Client(row.tunnel(target), true);
  client.begin();
  if (client.isOpen) client.send(NOTHING);
  const status = statusOf(() => {
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      client.receive(bytes.subarray(from, to));
      from = Math.min(to, bytes.length);
    }
  });
  const { isOpen } = client;
  const received = client.takeReceived();
  const atEnd = status === 'none' ? statusOf(() => client.receiveEnd()) : status;
  client.dispose();
  return { status, isOpen, received, atEnd };
}

/** What it throws as a session: anything else is thrown on. */
export function statusOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SessionError) return error.status;
    throw error;
  }
  return 'none';
}
