/**
 * Our sessions against shadowsocks-rust, over the loopback of a network namespace: `bun test/interop/shadowsocks_rust.ts
 * [FOLDER]`, as root. FOLDER has the programs ssserver and sslocal; without it they are looked for in PATH and where cargo
 * puts them. Not a part of `npm test`: nobody packages them. Writes what it found to docs/interop.md.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Netns } from '../lab/netns.ts';
import { ORIGIN } from '../upstream/shadowsocks/conversation.ts';
import { count, print, report, type Row } from './report.ts';

const INSIDE = new URL('shadowsocks_rust_inside.ts', import.meta.url).pathname;

function find(program: string, folder: string | undefined): string {
  const paths = folder ?? `${process.env['PATH']}:${join(homedir(), '.cargo', 'bin')}`;
  const found = Bun.which(program, { PATH: paths });
  if (found) return found;
  process.stderr.write(`no ${program} in ${paths}\nget it: cargo install shadowsocks-rust --locked\n`);
  return process.exit(1);
}

async function main(folder: string | undefined): Promise<void> {
  const [ssserver, sslocal] = [find('ssserver', folder), find('sslocal', folder)];
  const version = (await new Response(Bun.spawn([sslocal, '--version']).stdout).text())
    .trim()
    .split(' ')
    .at(-1);
  await using ns = await Netns.create('rust');
  await ns.must(['ip', 'addr', 'add', `${ORIGIN.v4}/32`, 'dev', 'lo']);
  await ns.must(['ip', 'addr', 'add', `${ORIGIN.v6}/128`, 'dev', 'lo']);
  const { code, stdout, stderr } = await ns.script(INSIDE, [ssserver, sslocal]);
  process.stderr.write(stderr);
  if (code !== 0) throw new Error(`${INSIDE}: exit ${code}`);
  const { mebibytes, rows } = JSON.parse(stdout) as { mebibytes: number; rows: readonly Row[] };
  const failed = print(rows);

  const methods = [...new Set(rows.map(({ method }) => method))];
  const tried = (method: string, way: RegExp) =>
    count(rows.filter((row) => row.method === method && way.test(row.way)));
  const body = [
    `shadowsocks-rust ${version}, ${new Date().toISOString().slice(0, 10)}, Bun ${Bun.version}: \`bun test/interop/shadowsocks_rust.ts\`. Each conversation`,
    `is with an origin that speaks first, to an IPv4 address, an IPv6 address and a name; ${mebibytes} MiB go there and come back the same.`,
    'What is recorded and played again is played to our server, and to ssserver for the 2022 methods, for which it remembers salts.',
    '',
    '| method | our client, ssserver | sslocal, our server | what was recorded is played again: one answer | a wrong key at ssserver: no answer |',
    '| --- | --- | --- | --- | --- |',
    ...methods.map(
      (method) =>
        `| ${method} | ${tried(method, /^our client/)} | ${tried(method, /^sslocal/)} | ${tried(method, /^played/)} | ${tried(method, /^a wrong key/)} |`,
    ),
  ].join('\n');
  await report('shadowsocks-rust', body);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (import.meta.main) await main(process.argv[2]);
