/** Where the far end listens, and what is spoken there at the moment: one may change without the other. */
import type { Socket } from 'bun';
import { formatListen } from '../../config/server_leaves.ts';
import { portHolder } from '../../inbound/select_port_holder.ts';
import { formatAddress } from '../../net/address.ts';
import { isWithoutIPv6, listenOn, type Listening } from '../../net/listen.ts';
import { visitorHandlers, type Visitor } from '../../server/visitor.ts';
import type { Entrance } from './entrance.ts';

export interface Doors {
  /** In the order of the configuration; a port that was 0 there is the one that was taken. */
  readonly listeners: readonly { readonly label: string; readonly port: number }[];
  /**
   * Listens at these entrances, and at no others. What listens at a place already goes on there, and who comes from now
   * on meets the new entrance; only one that has another certificate than before is closed for a moment.
   * @throws ListenError; what was open is open as before then
   */
  open(entrances: readonly Entrance[]): void;
  /** Takes no more connections. */
  close(): void;
}

interface Door {
  entrance: Entrance;
  readonly listening: Listening;
}

/** @param accept is told of each connection, and which entrance it came by */
export function createDoors(
  accept: (socket: Socket<Visitor | undefined>, entrance: Entrance) => void,
): Doors {
  let doors: readonly Door[] = [];

  function openDoor(entrance: Entrance): Door {
    const door: Door = {
      entrance,
      listening: listenAt(entrance, (socket) => accept(socket, door.entrance)),
    };
    return door;
  }

  return {
    get listeners() {
      return doors.map(({ entrance: { label }, listening: { port } }) => ({ label, port }));
    },
    open(entrances) {
      const stays = new Set<Door>();
      const kept = new Map<Entrance, Door>();
      for (const entrance of entrances) {
        const door = doors.find((one) => !stays.has(one) && isSameDoor(one.entrance, entrance));
        if (!door) continue;
        stays.add(door);
        kept.set(entrance, door);
      }
      // First, since what is to be opened may be at the same port.
      const closed = doors.filter((door) => !stays.has(door));
      for (const { listening } of closed) listening.stop();
      const opened = new Map<Entrance, Door>();
      try {
        for (const entrance of entrances) if (!kept.has(entrance)) opened.set(entrance, openDoor(entrance));
      } catch (error) {
        for (const { listening } of opened.values()) listening.stop();
        const again = new Map(closed.map((door) => [door, openDoor(door.entrance)]));
        doors = doors.map((door) => again.get(door) ?? door);
        throw error;
      }
      for (const [entrance, door] of kept) door.entrance = entrance;
      doors = entrances.map((entrance) => kept.get(entrance) ?? opened.get(entrance)!);
    },
    close() {
      for (const { listening } of doors) listening.stop();
    },
  };
}

/** The runtime's listener has one certificate for its life (Bun 1.4.5). */
function isSameDoor(one: Entrance, other: Entrance): boolean {
  return formatListen(one.config) === formatListen(other.config) && Bun.deepEquals(one.tls, other.tls);
}

function listenAt(
  { config, tls }: Entrance,
  accept: (socket: Socket<Visitor | undefined>) => void,
): Listening {
  const options = {
    port: config.port,
    handlers: visitorHandlers(accept),
    tls,
    holder: portHolder,
    elsewhere: 'to listen on',
  };
  if (config.address) return listenOn({ ...options, hostname: formatAddress(config.address) });
  try {
    return listenOn({ ...options, hostname: '::' });
  } catch (error) {
    if (!isWithoutIPv6(error)) throw error;
    return listenOn({ ...options, hostname: '0.0.0.0' });
  }
}
