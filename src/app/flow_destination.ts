/** Where an accepted connection wanted to go: known at once, or, where another program has to be asked, a little later. */
import { SystemError } from '../../ffi/errno.ts';
import type { OriginalDestination } from '../inbound/original_destination.ts';
import type { Endpoint } from '../net/address.ts';
import { descriptor } from '../net/socket.ts';
import type { ClientSocket } from '../relay/relay.ts';

/**
 * 'gone': the client has closed again already. 'crowded': too many are being asked for. undefined: nobody has redirected it.
 * An error: why it can't be told.
 */
export type Destination = Endpoint | Error | 'gone' | 'crowded' | undefined;

export interface Destinations {
  /** Clients whose destination another program is being asked for. */
  readonly asking: number;
  /** Asks for that of one client; `found` is called before this returns, or later. Until then the client is not read from. */
  find(client: ClientSocket, family: 4 | 6): void;
}

/**
 * @param hasRoom whether one more may wait for the answer
 * @param found gets every client, once
 */
export function createDestinations(
  originalDestination: OriginalDestination,
  hasRoom: () => boolean,
  found: (client: ClientSocket, destination: Destination) => void,
): Destinations {
  let asking = 0;

  async function findLater(client: ClientSocket, answer: Promise<Endpoint | undefined>): Promise<void> {
    // Whatever comes meanwhile waits in the kernel.
    client.pause();
    asking++;
    const destination = await answer.catch(whyNot);
    asking--;
    found(client, descriptor(client) < 0 ? 'gone' : destination);
    client.resume();
  }

  return {
    get asking() {
      return asking;
    },
    find(client, family) {
      // A socket that has closed can't be asked any more.
      if (descriptor(client) < 0) return found(client, 'gone');
      let answer: ReturnType<OriginalDestination>;
      try {
        answer = originalDestination(descriptor(client), family);
      } catch (error) {
        return found(client, whyNot(error));
      }
      if (!(answer instanceof Promise)) return found(client, answer);
      if (hasRoom()) return void findLater(client, answer);
      // Nobody waits for it any more.
      answer.catch(() => {});
      found(client, 'crowded');
    },
  };
}

function whyNot(error: unknown): Destination {
  if (error instanceof SystemError && error.call === 'getpeername') return 'gone';
  return error instanceof Error ? error : new Error(String(error));
}
