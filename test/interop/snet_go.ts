/**
 * Our TLS tunnel against the Go program snet, over the loopback of a network namespace: `bun test/interop/snet_go.ts
 * PROGRAM`, as root. PROGRAM is what `go build` makes of github.com/monsterxx03/snet. Not a part of `npm test`: nobody
 * packages it. Writes what it found to docs/interop.md.
 */
import { Netns } from '../lab/netns.ts';
import { ORIGIN } from '../upstream/shadowsocks/conversation.ts';
import { count, print, report, type Row } from './report.ts';

const INSIDE = new URL('snet_go_inside.ts', import.meta.url).pathname;
/** The origin's other address: one that the Go program sends through its upstream. */
const ABROAD = '1.2.3.4';

async function main(program: string | undefined): Promise<void> {
  if (program === undefined) {
    process.stderr.write(
      'which program? get it: git clone https://github.com/monsterxx03/snet && cd snet && go build\n',
    );
    return process.exit(1);
  }
  await using ns = await Netns.create('go');
  for (const address of [`${ORIGIN.v4}/32`, `${ORIGIN.v6}/128`, `${ABROAD}/32`])
    await ns.must(['ip', 'addr', 'add', address, 'dev', 'lo']);
  const { code, stdout, stderr } = await ns.script(INSIDE, [program, ABROAD]);
  process.stderr.write(stderr);
  if (code !== 0) throw new Error(`${INSIDE}: exit ${code}`);
  const { mebibytes, rows } = JSON.parse(stdout) as { mebibytes: number; rows: readonly Row[] };
  const failed = print(rows);

  const tried = (way: RegExp) => count(rows.filter((row) => way.test(row.way)));
  const body = [
    `The Go program that snet succeeds, ${new Date().toISOString().slice(0, 10)}, Bun ${Bun.version}: \`bun test/interop/snet_go.ts PROGRAM\`. Each conversation is with`,
    `an origin that speaks first, and ${mebibytes} MiB go there and come back the same: to an IPv4 address, an IPv6 address and a name through its`,
    'server; from a program that its client redirects, to an IPv4 address, through ours.',
    '',
    '| our client, its server | its client, our server | a wrong token at its server: an end without a word |',
    '| --- | --- | --- |',
    `| ${tried(/^our client/)} | ${tried(/^its client/)} | ${tried(/^a wrong token/)} |`,
  ].join('\n');
  await report('The Go program, TLS tunnel', body);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main(process.argv[2]);
