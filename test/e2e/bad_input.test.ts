/** What the user or the machine may get wrong: one clear message, the exit code of its kind, and nothing changed. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { EXIT } from '../../src/cli/exit.ts';
import { eventually } from '../lab/eventually.ts';
import { addForeignRules, firewalls } from '../lab/firewalls.ts';
import { folderForAll } from '../lab/folder.ts';
import { Netns, type Finished } from '../lab/netns.ts';
import { start } from '../lab/program.ts';
import { describeNeeding } from '../needs.ts';

const URL = 'ss://aes-256-gcm:secret@151.101.1.6:8388';
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly exit: { readonly code: number };
  readonly says: RegExp;
}

const OF_ARGUMENTS: readonly Case[] = [
  { name: 'no upstream', args: [], exit: EXIT.config, says: /ss:\/\/METHOD:PASSWORD@HOST:PORT/ },
  {
    name: 'an unknown cipher',
    args: ['ss://rot13:secret@151.101.1.6:8388'],
    exit: EXIT.config,
    says: /aes-128-gcm, .*xchacha20-ietf-poly1305 as its method/,
  },
  { name: 'another scheme', args: ['http://151.101.1.6:8388'], exit: EXIT.config, says: /ss:\/\// },
  { name: 'no port', args: ['ss://aes-256-gcm:secret@151.101.1.6'], exit: EXIT.config, says: /port/ },
  {
    name: 'a port that is none',
    args: ['ss://aes-256-gcm:secret@151.101.1.6:99999'],
    exit: EXIT.config,
    says: /a port, 1 to 65535/,
  },
  { name: 'no password', args: ['ss://aes-256-gcm@151.101.1.6:8388'], exit: EXIT.config, says: /password/i },
  {
    name: 'a host that is none',
    args: ['ss://aes-256-gcm:secret@a..b:8388'],
    exit: EXIT.config,
    says: /as its host/,
  },
  {
    name: 'a CIDR that is none',
    args: [URL, '--bypass', '1.2.3.4/33'],
    exit: EXIT.usage,
    says: /--bypass.*1\.2\.3\.4\/33/,
  },
  {
    name: 'a scope that is none',
    args: [URL, '--scope', 'all'],
    exit: EXIT.usage,
    says: /all.*bypass-cn.*global/,
  },
  { name: 'a listening port that is none', args: [URL, '--port', '0'], exit: EXIT.usage, says: /--port/ },
  { name: 'an unknown flag', args: [URL, '--speed', '9'], exit: EXIT.usage, says: /--speed/ },
  { name: 'a flag without its value', args: [URL, '--port'], exit: EXIT.usage, says: /--port/ },
  { name: 'one argument too many', args: [URL, 'really'], exit: EXIT.usage, says: /really/ },
  {
    name: 'a name without an address',
    args: ['ss://aes-256-gcm:secret@nowhere.invalid:8388'],
    exit: EXIT.failure,
    says: /nowhere\.invalid/,
  },
];

const OF_FILES: readonly (Omit<Case, 'args'> & { readonly text: string })[] = [
  { name: 'no JSON', text: '{\n  "upstream": \n}', exit: EXIT.config, says: /snet\.json:3:1: / },
  {
    name: 'an unknown key',
    text: `{"upstream": "${URL}", "scop": "global"}`,
    exit: EXIT.config,
    says: /snet\.json:1:\d+: scop: .*\n.*did you mean scope/,
  },
  {
    name: 'a value of the wrong kind',
    text: `{"upstream": "${URL}", "listen": {"port": "1111"}}`,
    exit: EXIT.config,
    says: /snet\.json:1:\d+: listen\.port: found "1111", expected/,
  },
];

describeNeeding(
  ['root', 'ip', 'nc', 'nft', 'iptables', 'ipset', 'setpriv', 'ss', 'unshare'],
  'snet run',
  () => {
    const folder = folderForAll();
    let ns: Netns;
    let before: string;

    beforeAll(async () => {
      ns = await Netns.create('client');
      // Nobody answers there: names are said at once to have no address.
      await ns.resolveAt('127.0.0.1');
      await addForeignRules(ns);
      before = await firewalls(ns);
    });
    afterAll(() => ns[Symbol.asyncDispose]());

    const run = (args: readonly string[], under: readonly string[] = []) =>
      ns.run([...under, ...Netns.snet(['run', ...args, '--no-dns'])]);

    async function expectRefusal(
      { code, stdout, stderr }: Finished,
      exit: Case['exit'],
      says: RegExp,
    ): Promise<void> {
      expect(stderr).toMatch(says);
      expect(code).toBe(exit.code);
      expect(stdout).toBe('');
      expect(stderr.match(/^snet: /gm)).toHaveLength(1);
      // Neither a stack trace nor a secret.
      expect(stderr).not.toMatch(/^\s+at |secret/m);
      expect(await firewalls(ns)).toBe(before);
    }

    test.each(OF_ARGUMENTS)('refuses $name', async ({ args, exit, says }) => {
      await expectRefusal(await run(args), exit, says);
    });

    test.each(OF_FILES)('refuses a file with $name', async ({ text, exit, says }) => {
      const file = folder.file('snet.json');
      await writeFile(file, text, { mode: 0o600 });
      await expectRefusal(await run(['-c', file]), exit, says);
    });

    test('refuses a file that cannot be read', async () => {
      await expectRefusal(await run(['-c', folder.file('none')]), EXIT.config, /\/none/);
      await expectRefusal(await run(['-c', folder.path]), EXIT.config, new RegExp(folder.path));
    });

    test('refuses a port that is in use, and says by whom', async () => {
      await using nc = start(ns, ['nc', '-lk', '127.0.0.1', '1111']);
      await eventually('nc to listen', async () => (await ns.must(['ss', '-Hltn'])).includes(':1111 '));
      await expectRefusal(
        await run([URL]),
        EXIT.inUse,
        new RegExp(`1111.*\\bnc\\b.*${nc.pid}|1111.*${nc.pid}.*\\bnc\\b`),
      );
    });

    test('refuses anybody but root', async () => {
      await expectRefusal(await run([URL], NOBODY), EXIT.permission, /root/);
    });

    test('refuses root without the power over the network', async () => {
      const powerless = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
      await expectRefusal(await run([URL], powerless), EXIT.permission, /CAP_NET_ADMIN/);
    });

    test('names the packages that iptables needs where they are missing', async () => {
      // Where Debian has them, in a mount namespace of its own.
      const bare = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /usr/sbin && exec "$@"', 'sh'];
      await expectRefusal(await run([URL, '--redirect', 'iptables'], bare), EXIT.unsupported, /iptables/);
    });
  },
);
