/** macOS: pf remembers where a redirected connection wanted to go; it is asked by an ioctl, or by its own program. */
import { whyLost, type CallingConvention } from '../../ffi/ioctl.ts';
import type { SocketAddress } from '../../ffi/sockaddr.ts';
import { explain } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Runner } from '../base/runner.ts';
import { sameAddress, unmapped, type Endpoint } from '../net/address.ts';
import { natlookByIoctl, tryNatlook } from './natlook/by_ioctl.ts';
import { pfctlStates, readStates } from './natlook/by_pfctl.ts';
import { NatlookError } from './natlook/natlook_error.ts';
import { openPf, systemPf, type PfDevice } from './natlook/pf_device.ts';
import type { OriginalDestination } from './original_destination.ts';

export interface OriginalDestinationsOptions {
  readonly runner: Runner;
  readonly log: Log;
  readonly pf?: PfDevice;
}

export interface OriginalDestinations {
  /**
   * As the type says; for all connections the same: NatlookError if pf did not tell, SystemError if the socket is gone.
   * After `close` nothing is known any more.
   */
  readonly originalDestination: OriginalDestination;
  /** How pf is asked: a name of {@link CallingConvention}, or `pfctl`. */
  readonly method: string;
  close(): void;
}

/**
 * Opens pf and finds out how it can be asked on this Mac, the best first: by ioctl, by the system call below it, by reading
 * what pfctl prints. The log has one line that says which. Nothing is changed.
 * @throws NatlookError if pf can't be opened, or in no way be asked
 */
export async function openOriginalDestinations({
  runner,
  log,
  pf = systemPf,
}: OriginalDestinationsOptions): Promise<OriginalDestinations> {
  let fd = openPf(pf);
  const close = () => {
    if (fd >= 0) pf.close(fd);
    fd = -1;
  };
  try {
    const { chosen, why } = choose(fd, pf.conventions());
    if (chosen !== undefined) {
      log.info('original destinations are asked of pf', { by: chosen.name, why });
      return {
        originalDestination(socket) {
          if (fd < 0) return undefined;
          const [client, local] = endsOf(pf, socket);
          return fromElsewhere(client, natlookByIoctl(fd, chosen.ioctl, client, local));
        },
        method: chosen.name,
        close,
      };
    }
    close();
    await readStates(runner);
    log.warn('original destinations are read from what pfctl prints: every new connection waits for that', {
      by: 'pfctl',
      why,
    });
  } catch (error) {
    close();
    throw error;
  }
  const states = pfctlStates(runner);
  let closed = false;
  return {
    originalDestination(socket) {
      if (closed) return undefined;
      const [client, local] = endsOf(pf, socket);
      return states.find(client, local).then((found) => fromElsewhere(client, found));
    },
    method: 'pfctl',
    close() {
      closed = true;
    },
  };
}

/** The client's end and ours, as pf knows them: those of an IPv4 client of an IPv6 socket are IPv4 there. */
function endsOf(pf: PfDevice, socket: number): [client: SocketAddress, local: SocketAddress] {
  const plain = (end: SocketAddress) => ({ ...end, ...unmapped({ family: end.family, bytes: end.bytes }) });
  return [plain(pf.peerOf(socket)), plain(pf.localOf(socket))];
}

/**
 * What this machine says to itself comes from the very address that it goes to (in xnu the route to an own address has that
 * address), and the rules leave it alone, once they have heard of the address. One that is newer than they know is caught; to
 * dial it would be caught as well, and so on until there is no socket left.
 * @returns undefined for such a connection: it is none that should have been redirected
 */
function fromElsewhere(client: SocketAddress, destination: Endpoint | undefined): Endpoint | undefined {
  return destination && sameAddress(destination.address, { family: client.family, bytes: client.bytes })
    ? undefined
    : destination;
}

interface Choice {
  readonly chosen: CallingConvention | undefined;
  /** What is wrong with those before it, in words; undefined if it is the first. */
  readonly why: string | undefined;
}

/**
 * The first way to call ioctl whose pointer arrives, and that this kernel's pf understands.
 * @throws NatlookError if pf refuses us: no other way would change that
 */
function choose(fd: number, conventions: readonly CallingConvention[]): Choice {
  const reasons: string[] = [];
  for (const convention of conventions) {
    const reason = whyLost(convention.ioctl) ?? whyMisunderstood(fd, convention);
    if (reason === undefined) return { chosen: convention, why: reasons.join('; ') || undefined };
    reasons.push(`${convention.name}: ${reason}`);
  }
  return { chosen: undefined, why: reasons.join('; ') };
}

function whyMisunderstood(fd: number, { ioctl }: CallingConvention): string | undefined {
  try {
    tryNatlook(fd, ioctl);
    return undefined;
  } catch (error) {
    if (error instanceof NatlookError && error.status === 'ERR_PF_PERMISSION') throw error;
    return explain(error);
  }
}
