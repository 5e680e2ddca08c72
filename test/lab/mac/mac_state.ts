/** All that a Mac, as far as we touch it, has and remembers: one plain value, so that it can be a file and be compared. */

export interface Reference {
  /** Up to 2^64. */
  readonly token: string;
  readonly pid: number;
  readonly program: string;
}

/** The rules and tables of one place: the main ruleset, or an anchor. */
export interface Rules {
  /** As it was loaded. */
  text: string;
  /** By name, of the addresses as text. */
  tables: Record<string, string[]>;
  /** Names of those that stay without rules that use them. */
  persistent: string[];
}

export interface MacState {
  /** Of macOS. */
  version: string;
  /** Of this boot. */
  boot: { uuid: string; seconds: number };
  /** False: programs find themselves run by somebody who is not root. */
  isRoot: boolean;
  /** What pfctl says instead of doing anything; undefined: it does. */
  refusal: string | undefined;
  pf: {
    isOn: boolean;
    references: Reference[];
    /** Those of `pfctl -e`, which have no token. */
    nameless: number;
    main: Rules;
    /** By path. One that has neither rules nor tables is not there. */
    anchors: Record<string, Rules>;
    /** Interfaces that pf does not look at. */
    skipped: string[];
    /** Lines of `pfctl -s state`. */
    states: string[];
  };
  sysctls: Record<string, string>;
  /** Those of the machine that programs read; others are read from the disk. */
  files: Record<string, string>;
  interfaces: Record<string, readonly string[]>;
  /** What is routed to lo0 over IPv6 is never seen again, as nobody has reported that it is. */
  losesIpv6: boolean;
  /** Whom `scutil --dns` names. */
  nameservers: string[];
  /** The gateway of the default route; undefined: there is no way out. */
  gateway: string | undefined;
  /** Paths of programs by pid, where /proc is not to be asked; undefined: no such process. */
  processes: Record<string, string>;
  /** What has happened, and is no part of what a Mac holds. */
  seen: {
    tokens: number;
    cacheFlushes: number;
    /** Command lines of every call. */
    calls: string[];
  };
}

/** /etc/pf.conf of macOS 10.8 to 26. */
export const STOCK_PF_CONF = `\
#
# Default PF configuration file.
#
# See pf.conf(5) for syntax.
#

#
# com.apple anchor point
#
scrub-anchor "com.apple/*"
nat-anchor "com.apple/*"
rdr-anchor "com.apple/*"
dummynet-anchor "com.apple/*"
anchor "com.apple/*"
load anchor "com.apple" from "/etc/pf.anchors/com.apple"
`;

/** /etc/pf.anchors/com.apple of the same. */
const STOCK_ANCHOR = `\
#
# com.apple ruleset, referred to by the default /etc/pf.conf file.
# See notes in that file regarding the anchor point in the main ruleset.
#

#
# AirDrop anchor point.
#
anchor "200.AirDrop/*"

#
# Application Firewall anchor point.
#
anchor "250.ApplicationFirewall/*"
`;

const UUID = '4E4A2428-2FBD-4164-B6B6-B1FDA7DA43BD';

/** Right after the boot: the rules are loaded, pf is off. */
export function stockMac(): MacState {
  return {
    version: '15.6.1',
    boot: { uuid: UUID, seconds: 1764000000 },
    isRoot: true,
    refusal: undefined,
    pf: {
      isOn: false,
      references: [],
      nameless: 0,
      main: rulesOf(STOCK_PF_CONF),
      anchors: { 'com.apple': rulesOf(STOCK_ANCHOR) },
      skipped: [],
      states: [],
    },
    sysctls: { 'net.inet.tcp.tso': '1' },
    files: { '/etc/pf.conf': STOCK_PF_CONF, '/etc/pf.anchors/com.apple': STOCK_ANCHOR },
    interfaces: { lo0: ['127.0.0.1', '::1'], en0: ['192.168.1.5', 'fe80::1c2d:3e4f:5a6b:7c8d'] },
    losesIpv6: false,
    nameservers: ['192.168.1.1'],
    gateway: '192.168.1.1',
    processes: {},
    seen: { tokens: 0, cacheFlushes: 0, calls: [] },
  };
}

export function rulesOf(text: string): Rules {
  return { text, tables: {}, persistent: [] };
}

/** What must be as it was before, when all is undone: everything but what has been seen, and connections. */
export function held(state: MacState): unknown {
  const copy: Partial<MacState> = structuredClone(state);
  copy.pf!.states = [];
  delete copy.seen;
  delete copy.processes;
  return copy;
}

/** The kernel starts anew: pf is off, nothing of what was loaded is left, and the system loads its own rules. */
export function reboot(state: MacState): void {
  const { pf, sysctls } = stockMac();
  state.pf = pf;
  state.sysctls = sysctls;
  state.boot = {
    uuid: UUID.replace(/^.{8}/, (state.boot.seconds + 1).toString(16).toUpperCase().padStart(8, '0')),
    seconds: state.boot.seconds + 1_000,
  };
}

/** Internet Sharing, or a network of virtual machines, is turned on (macOS 12 to 15): anchors of its own, and one who wants pf. */
export function turnSharingOn(state: MacState): void {
  const { pf } = state;
  pf.main = rulesOf(
    STOCK_PF_CONF.replaceAll(/^(scrub-|nat-|rdr-|)anchor "com.apple\/\*"$/gm, (line, kind: string) =>
      [line, `${kind}anchor "com.apple.internet-sharing"`].join('\n'),
    ),
  );
  pf.anchors['com.apple.internet-sharing'] = rulesOf(
    'nat-anchor "base_v4"\nrdr-anchor "base_v4"\nanchor "base_v4"\n',
  );
  // Its own program asks for it; nobody ever sees what for.
  pf.references.push({ token: '9084387343160548126', pid: 391, program: 'InternetSharing' });
  pf.isOn = true;
}

/** Another product puts its own rules in the place of the system's, as a VPN's kill switch does. */
export function replaceMainRuleset(
  state: MacState,
  text: string = 'pass out all flags any no state\n',
): void {
  state.pf.main = rulesOf(text);
}
