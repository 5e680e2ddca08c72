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
  {
    name: 'another scheme',
    args: ['vmess://151.101.1.6:8388'],
    exit: EXIT.config,
    says: /vmess:\/\/ link.*\n.*ss:\/\/, http:\/\/, https:\/\/, socks5:\/\/, snet\+tls:\/\//,
  },
  {
    name: 'an HTTP proxy without a port',
    args: ['http://me:secret@151.101.1.6'],
    exit: EXIT.config,
    says: /found no port.*\n.*http:\/\/USER:PASSWORD@proxy\.example\.com:8080/,
  },
  {
    name: 'a subscription as a proxy',
    args: ['https://151.101.1.6/secret'],
    exit: EXIT.config,
    says: /snet init --subscription URL/,
  },
  {
    name: 'a SOCKS5 proxy with a user alone',
    args: ['socks5://me@151.101.1.6:1080'],
    exit: EXIT.config,
    says: /no password, .*1 to 255 bytes/,
  },
  {
    name: 'a tunnel without a token',
    args: ['snet+tls://151.101.1.6:443'],
    exit: EXIT.config,
    says: /found no "@", .*\n.*snet\+tls:\/\/TOKEN@/,
  },
  {
    name: 'a pin that is none',
    args: ['snet+tls://secret@151.101.1.6:443/?pin=aa:bb'],
    exit: EXIT.config,
    says: /64 hexadecimal digits.*\n.*openssl x509/,
  },
  {
    name: 'a password where a 2022 method has a key',
    args: ['ss://2022-blake3-aes-256-gcm:secret@151.101.1.6:8388'],
    exit: EXIT.config,
    says: /base64 of 32 bytes.*\n.*openssl rand -base64 32/,
  },
  {
    name: 'a cipher without authentication',
    args: ['ss://aes-256-cfb:secret@151.101.1.6:8388'],
    exit: EXIT.config,
    says: /aes-256-cfb.*\n.*no authentication.*allow-insecure-ciphers/,
  },
  {
    name: 'the second of two links',
    args: [URL, 'ss://aes-256-gcm:secret@151.101.1.7'],
    exit: EXIT.config,
    says: /URL 2: found no port/,
  },
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
  { name: 'another argument', args: [URL, 'really'], exit: EXIT.config, says: /URL 2: .*scheme/ },
  {
    name: 'a name without an address',
    args: ['ss://aes-256-gcm:secret@nowhere.invalid:8388'],
    exit: EXIT.failure,
    says: /nowhere\.invalid/,
  },
];

/** A server of the type and with the keys given. */
const upstream = (type: string, more: string) =>
  `{"upstream": {"type": "${type}", "server": "151.101.1.6", "port": 8388, ${more}}}`;

const OF_FILES: readonly (Omit<Case, 'args'> & { readonly text: string })[] = [
  {
    name: 'a type that is none',
    text: upstream('htpp', '"password": "secret"'),
    exit: EXIT.config,
    says: /upstream\.type: found "htpp", expected one of "shadowsocks", .*\n.*did you mean http\?/,
  },
  {
    name: 'a key of another type',
    text: upstream('http', '"token": "secret"'),
    exit: EXIT.config,
    says: /upstream\.token: found an unknown key, expected one of type, .*tls/,
  },
  {
    name: 'a token that is no text',
    text: upstream('tls', '"token": 5'),
    exit: EXIT.config,
    says: /upstream\.token: found a number, expected a text/,
  },
  {
    name: 'a 2022 key of another length',
    text: upstream('shadowsocks', '"method": "2022-blake3-aes-128-gcm", "password": "c2VjcmV0"'),
    exit: EXIT.config,
    says: /upstream\.password: found base64 of 6 bytes, expected base64 of 16 bytes.*\n.*openssl rand -base64 16/,
  },
  {
    name: 'a certificate that is not there',
    text: '{"upstream": {"type": "http", "server": "h", "port": 1, "tls": {"ca": "/none.pem"}}}',
    exit: EXIT.config,
    says: /upstream\.tls\.ca: found "\/none\.pem", no such file, expected a PEM file with a certificate\n.*check the path/,
  },
  {
    name: 'a chain that is too long',
    text: upstream(
      'tls',
      `"token": "secret", "via": ${'{"type": "http", "server": "h", "port": 1, "via": '.repeat(4)}"socks5://h:1"${'}'.repeat(4)}`,
    ),
    exit: EXIT.config,
    says: /upstream\.via\.via\.via\.via: found 6 servers in a row, expected at most 4/,
  },
  {
    name: 'a plugin behind a proxy',
    text: upstream(
      'shadowsocks',
      '"method": "aes-256-gcm", "password": "secret", "plugin": "obfs-local;secret", "via": "http://h:1"',
    ),
    exit: EXIT.config,
    says: /upstream\.via: found a server in between, expected none beside a plugin/,
  },
  {
    name: 'a subscription without TLS',
    text: '{"upstream": [{"type": "subscription", "url": "http://151.101.1.6/secret"}]}',
    exit: EXIT.config,
    says: /upstream\[0\]\.url: found an http:\/\/ link, expected an https:\/\/ URL/,
  },
  {
    name: 'an upstream too few',
    text: '{"upstream": []}',
    exit: EXIT.config,
    says: /upstream: found an empty list, expected at least one upstream/,
  },
  {
    name: 'a policy that is none',
    text: `{"upstream": "${URL}", "group": {"policy": "failovr"}}`,
    exit: EXIT.config,
    says: /group\.policy: found "failovr".*\n.*did you mean failover/,
  },
  {
    name: 'a probe over TLS',
    text: `{"upstream": "${URL}", "group": {"probe-url": "https://151.101.1.6/"}}`,
    exit: EXIT.config,
    says: /group\.probe-url: found a link, expected an http:\/\/ URL, or false/,
  },
  {
    name: 'a server of the Go program',
    text: '{"as-upstream": true, "upstream-tls-server-token": "secret"}',
    exit: EXIT.config,
    says: /as-upstream: found true.*\n.*snet server -c FILE, .*"type": "tls"/,
  },
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
