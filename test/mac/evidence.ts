/** What is collected of a Mac before, during and after the run: one file each, whatever the program says. */
import { writeFile } from 'node:fs/promises';
import { ANCHOR, PF_FOLDER } from '../../src/redirect/pf/names.ts';
import { inFolder, runToEnd } from './program.ts';

const EVIDENCE: readonly (readonly string[])[] = [
  ['sw_vers'],
  ['uname', '-a'],
  ['csrutil', 'status'],
  ['ifconfig', '-a'],
  ['netstat', '-rn'],
  ['scutil', '--dns'],
  ['scutil', '--nwi'],
  ['sysctl', 'net.inet.tcp', 'net.inet.ip.forwarding', 'net.link.generic.system'],
  ['pfctl', '-s', 'all'],
  ['pfctl', '-v', '-s', 'Anchors'],
  ['pfctl', '-s', 'References'],
  ['pfctl', '-v', '-s', 'Interfaces'],
  ['pfctl', '-a', ANCHOR, '-v', '-s', 'nat'],
  ['pfctl', '-a', ANCHOR, '-v', '-s', 'rules'],
  ['pfctl', '-a', ANCHOR, '-v', '-s', 'Tables'],
  ['pfctl', '-v', '-s', 'states'],
  ['cat', '/etc/pf.conf'],
  ['ls', '-la', '/etc/pf.anchors', PF_FOLDER],
  ['ps', '-axo', 'pid,ppid,uid,gid,command'],
  ['lsof', '-nP', '-iTCP', '-sTCP:LISTEN'],
];

/** @param when goes in front of the names of the files */
export async function collect(folder: string, when: string): Promise<void> {
  for (const argv of EVIDENCE) {
    const { code, said } = await runToEnd(argv);
    const name = inFolder(folder, `${when} ${argv.join(' ').replaceAll('/', ' ')}.txt`);
    await writeFile(name, `$ ${argv.join(' ')}\n${said}\n[${code}]\n`);
  }
}
