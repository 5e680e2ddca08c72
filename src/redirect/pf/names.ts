/** What is ours in pf, and the files beside it. */
import { join } from 'node:path';

/**
 * Our place in the kernel's rules. The main ruleset of macOS asks every child of `com.apple` (`anchor "com.apple/*"`,
 * one level down, in the order of names), so /etc/pf.conf needs no change.
 *
 * Of some names xnu believes that they don't concern the user-space network stack (pf_check_compatible_anchor() in
 * bsd/net/pf.c): `com.apple/200.AirDrop…`, `com.apple/250.ApplicationFirewall…`, `com.apple.internet-sharing…`. Rules there
 * would not see what Safari and others send through Network.framework, so ours must begin with none of them.
 */
export const ANCHOR = 'com.apple/snet';

/** PF_TABLE_NAME_SIZE leaves 31 characters. */
export const BYPASS_TABLE = 'snet_bypass';
export const OWN_TABLE = 'snet_own';

/** Emptied at boot, like the kernel's rules. */
export const PF_FOLDER = '/var/run/snet';

export interface PfFiles {
  readonly folder: string;
  /** What must be undone. */
  readonly state: string;
  /** Contents of the tables, which the ruleset names by these paths. */
  readonly bypass: string;
  readonly own: string;
}

export function pfFiles(folder: string = PF_FOLDER): PfFiles {
  return {
    folder,
    state: join(folder, 'pf.json'),
    bypass: join(folder, 'pf-bypass.txt'),
    own: join(folder, 'pf-own.txt'),
  };
}
