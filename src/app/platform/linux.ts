/** Linux: rules of nftables or iptables; connection tracking knows the original destinations. */
import type { Runner } from '../../base/runner.ts';
import { FILE_NAMESERVERS } from '../../dns/system_resolver.ts';
import { originalDestination } from '../../inbound/original_destination_linux.ts';
import { cleanConntrack } from '../../redirect/conntrack/forget.ts';
import { cleanIptables } from '../../redirect/iptables/iptables.ts';
import { takeOutAfter } from '../../redirect/iptables/undo.ts';
import { cleanNftables } from '../../redirect/nftables/nftables.ts';
import { selectRedirect } from '../../redirect/select_redirect.ts';
import type { Platform } from './platform.ts';
import { watchSleep } from './sleep_watch.ts';

export function linux(runner: Runner): Platform {
  return {
    nameservers: FILE_NAMESERVERS,
    prepare: ({ mechanism }, log) =>
      Promise.resolve({
        originalDestination,
        isProof: () => false,
        selectRedirect: () => selectRedirect(mechanism, log, runner),
        close() {},
      }),
    clean: async () => [...(await cleanNftables()), ...(await cleanIptables(runner)), ...cleanConntrack()],
    undoAfter: (owner) => takeOutAfter(runner, owner),
    // The rules name no interface, and resolv.conf is looked at again by itself.
    watchNetwork: (changed) => watchSleep(changed),
  };
}
