/** macOS: rules of pf, which knows the original destinations, too. */
import { silent, type Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import { scutilNameservers } from '../../dns/darwin_nameservers.ts';
import { flushNameCaches } from '../../dns/flush_name_caches.ts';
import type { PfDevice } from '../../inbound/natlook/pf_device.ts';
import { openOriginalDestinations } from '../../inbound/original_destination_darwin.ts';
import { openProofs } from '../../inbound/proof.ts';
import { createPf } from '../../redirect/pf/pf.ts';
import { cleanPf, undoPfAfter } from '../../redirect/pf/undo.ts';
import { RedirectError, type Redirect } from '../../redirect/redirect.ts';
import { canDoWithoutLinkLocal } from './link_local_resolvers.ts';
import { watchNetwork } from './network_watch.ts';
import type { Platform, Prepared } from './platform.ts';

/** @param pf that of the kernel, if not said */
export function darwin(runner: Runner, pf?: PfDevice): Platform {
  const nameservers = scutilNameservers(runner);
  return {
    nameservers,

    async prepare({ mechanism, ipv6Fallback, reloadPfConf }, log): Promise<Prepared> {
      if (mechanism !== 'auto' && mechanism !== 'pf') {
        throw new RedirectError('ERR_REDIRECT_UNSUPPORTED', `there is no ${mechanism} on macOS`, {
          hint: 'Leave the choice to snet: --redirect auto.',
        });
      }
      const proofs = openProofs();
      const destinations = await openOriginalDestinations({ runner, log, ...(pf && { pf }) }).catch(
        (error: unknown) => {
          proofs.close();
          throw error;
        },
      );
      return {
        originalDestination: destinations.originalDestination,
        isProof: (destination) => proofs.isProof(destination),
        selectRedirect() {
          const redirect = createPf({
            runner,
            log,
            proofs,
            ipv6Fallback,
            reloadPfConf,
            doesWithoutLinkLocal: async () => canDoWithoutLinkLocal(await nameservers.read()),
          });
          const why = mechanism === 'pf' ? 'as configured' : 'macOS has no other';
          return Promise.resolve({ redirect: flushing(redirect, runner, log), why });
        },
        close() {
          proofs.close();
          destinations.close();
        },
      };
    },

    async clean() {
      const removed = await cleanPf(runner);
      if (removed.length > 0) await flushNameCaches(runner, silent);
      return removed;
    },

    async undoAfter(owner) {
      await undoPfAfter(runner, owner);
      await flushNameCaches(runner, silent);
    },

    watchNetwork: (changed, log) => watchNetwork({ runner, changed, log }),
  };
}

/** The same, but that the system asks anew for all names once the rules are in, and once they are out. */
function flushing(redirect: Redirect, runner: Runner, log: Log): Redirect {
  let dns: number | undefined;
  return {
    ...redirect,
    async apply(plan) {
      await redirect.apply(plan);
      ({ dns } = plan);
      if (dns !== undefined) await flushNameCaches(runner, log);
    },
    async remove() {
      await redirect.remove();
      if (dns !== undefined) await flushNameCaches(runner, log);
      dns = undefined;
    },
  };
}
