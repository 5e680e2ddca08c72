/** The other programs of macOS that are run: what they print, and what they change. */
import { readlinkSync, readFileSync } from 'node:fs';
import type { MacState } from './mac_state.ts';
import { pfctl, type Call, type Result } from './pfctl.ts';

/** By name. Whatever is missing here is no program of the Mac's. */
export const PROGRAMS: Readonly<Record<string, (state: MacState, call: Call) => Result>> = {
  pfctl,
  sysctl,
  scutil,
  ipconfig,
  route,
  dscacheutil: (state, { argv }) => flushes(state, argv, '-flushcache'),
  killall: (state, { argv }) => flushes(state, argv, '-HUP mDNSResponder'),
  sw_vers,
  ps,
};

/** By the full path also. */
export function programOf(argv: readonly string[]): ((state: MacState, call: Call) => Result) | undefined {
  const name = argv[0]!.replace(/^\/(?:s?bin|usr\/s?bin)\//, '');
  return Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
}

const printed = (stdout: string): Result => ({ code: 0, stdout, stderr: '' });
const refused = (stderr: string, code: number = 1): Result => ({ code, stdout: '', stderr });

function unknown({ argv }: Call): never {
  throw new Error(`not known to the fake: ${argv.join(' ')}`);
}

/** `sysctl -n NAME`, `sysctl [-w] NAME=VALUE`. */
function sysctl(state: MacState, { argv }: Call): Result {
  const [text = '', ...more] = argv.slice(1).filter((arg) => arg !== '-n' && arg !== '-w');
  if (more.length > 0) return refused('sysctl: one at a time');
  const [name = '', value] = text.split('=');
  const old = sysctlsOf(state)[name];
  if (old === undefined) return refused(`sysctl: unknown oid '${name}'\n`);
  if (value === undefined) return printed(argv.includes('-n') ? `${old}\n` : `${name}: ${old}\n`);
  if (!state.isRoot || !(name in state.sysctls)) return refused(`sysctl: ${name}: Operation not permitted\n`);
  state.sysctls[name] = value;
  return printed(`${name}: ${old} -> ${value}\n`);
}

function sysctlsOf({ sysctls, boot }: MacState): Record<string, string> {
  const when = new Date(boot.seconds * 1_000).toUTCString();
  return {
    ...sysctls,
    'kern.bootsessionuuid': boot.uuid,
    'kern.boottime': `{ sec = ${boot.seconds}, usec = 123456 } ${when}`,
  };
}

/** `scutil --dns` of macOS 13 to 26: the first section, the resolver by multicast, and the scoped section. */
function scutil(state: MacState, call: Call): Result {
  if (call.argv[1] !== '--dns') return unknown(call);
  const servers = state.nameservers.map((address, i) => `  nameserver[${i}] : ${address}\n`).join('');
  const first = servers === '' ? '' : `resolver #1\n${servers}  if_index : 14 (en0)\n`;
  const reach = '  reach    : 0x00020002 (Reachable,Directly Reachable Address)\n';
  const asked = 'Request A records, Request AAAA records\n';
  return printed(`\
DNS configuration

${first && `${first}  flags    : ${asked}${reach}\n`}resolver #2
  domain   : local
  options  : mdns
  timeout  : 5
  flags    : Request A records
  reach    : 0x00000000 (Not Reachable)
  order    : 300000

DNS configuration (for scoped queries)

${first && `${first}  flags    : Scoped, ${asked}${reach}`}`);
}

/** `ipconfig getoption en0 domain_name_server`: the first of those that DHCP gave. */
function ipconfig(state: MacState, call: Call): Result {
  if (call.argv[1] !== 'getoption' || call.argv[3] !== 'domain_name_server') return unknown(call);
  const given = state.gateway;
  return given === undefined ? refused('') : printed(`${given}\n`);
}

/** `route -n get default`. The other one, `monitor`, never ends: it is started, not run. */
function route(state: MacState, call: Call): Result {
  if (call.argv.slice(1).join(' ') !== '-n get default') return unknown(call);
  // To stderr, and with success: macOS 10.15 to 26.
  if (state.gateway === undefined)
    return { code: 0, stdout: '', stderr: 'route: writing to routing socket: not in table\n' };
  return printed(`\
   route to: default
destination: default
       mask: default
    gateway: ${state.gateway}
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
 recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire
       0         0         0         0         0         0      1500         0 
`);
}

function flushes(state: MacState, argv: readonly string[], wanted: string): Result {
  if (argv.slice(1).join(' ') !== wanted) throw new Error(`not known to the fake: ${argv.join(' ')}`);
  state.seen.cacheFlushes++;
  return printed('');
}

function sw_vers({ version }: MacState, call: Call): Result {
  if (call.argv[1] === '-productVersion') return printed(`${version}\n`);
  return printed(`ProductName:\t\tmacOS\nProductVersion:\t\t${version}\nBuildVersion:\t\t24G90\n`);
}

/** `ps -o comm= -p PID`: the path of the executable, in parentheses the name of what has ended. */
function ps(state: MacState, call: Call): Result {
  const [, format, pid] = /^-o (\S+) -p (\d+)$/.exec(call.argv.slice(1).join(' ')) ?? [];
  if (pid === undefined || format !== 'comm=') return unknown(call);
  const program = Object.hasOwn(state.processes, pid) ? state.processes[pid] : executableOf(pid);
  return program === undefined || program === '' ? refused('') : printed(`${program}\n`);
}

/** Of this machine's own processes. */
function executableOf(pid: string): string | undefined {
  try {
    const [, name, status] = /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
    return status === 'Z' ? `(${name})` : readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}
