/** What tests of `snet server` have in common: names that it looks up, keys, and what it says of itself. */
import { ABROAD } from './internet.ts';

/** Names, and what the far end's resolver says of them. */
export const ZONES = {
  'origin.test': [ABROAD.v4, ABROAD.v6],
  'only6.test': [ABROAD.v6],
  'loop.test': ['127.0.0.1'],
  'loop6.test': ['::1'],
  'lan.test': ['192.168.7.2'],
  // Somebody's name that is the origin's and this machine's.
  'mixed.test': [ABROAD.v4, '127.0.0.1', '10.0.0.1'],
  'mapped.test': ['::ffff:127.0.0.1'],
  // The first leads nowhere: there is a route to it, but nobody.
  'dead.test': ['151.101.1.77', ABROAD.v4],
};

interface State {
  readonly users: Readonly<Record<string, { accepted: number; bytesUp: number; bytesDown: number }>>;
}

/** @param control its socket */
export async function statusOf(control: string): Promise<State> {
  return (await (await fetch('http://snet/status', { unix: control })).json()) as State;
}

/** A key of its users. @param size in bytes */
export const keyOf = (size: number) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(size))).toString('base64');
