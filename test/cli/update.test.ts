/** `snet update` as a user meets it, on a machine that has no network but its loopback. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';
import { builtinCnRanges } from '../../src/route/cn_ranges.ts';

describeNeeding(['root', 'ip'], 'snet update without a network', () => {
  let ns: Netns;
  const folder = mkdtempSync(join(tmpdir(), 'snet-cli-update-'));
  const directory = join(folder, 'state');
  const LIST = 'https://127.0.0.1:1/list.txt';

  beforeAll(async () => {
    ns = await Netns.create('update');
  });
  afterAll(async () => {
    await ns[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  function config(): string {
    const path = join(folder, 'snet.json');
    const upstream = 'ss://aes-256-gcm:hunter2@192.0.2.1:8388';
    writeFileSync(
      path,
      JSON.stringify({ upstream, dns: { lists: { block: [LIST] }, cache: { directory } } }),
      { mode: 0o600 },
    );
    return path;
  }

  test('says what failed on stderr, what is in use on stdout, and fails', async () => {
    const { code, stdout, stderr } = await ns.run(Netns.snet(['update', '-c', config()]));
    expect(code).toBe(1);
    const { date } = builtinCnRanges();
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^failed     addresses in China: \\d+ IPv4 and \\d+ IPv6 ranges of ${date}$`)),
      `failed     ${LIST} (block): nothing to use`,
      '',
    ]);
    expect(stderr).toContain('snet: warning: https://ftp.apnic.net/stats/apnic/delegated-apnic-latest');
    expect(stderr).toContain(`snet: warning: ${LIST} can't be fetched`);
    expect(stderr + stdout).not.toContain('hunter2');
    // The file names the directory; nothing is in it but the folder of lists.
    expect(readdirSync(directory)).toEqual(['lists']);
  }); // prettier-ignore

  test('the same as JSON', async () => {
    const other = join(folder, 'other');
    const argv = Netns.snet(['update', '-c', config(), '--json', `--directory=${other}`]);
    const { code, stdout, stderr } = await ns.run(argv);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      directory: other,
      ranges: { outcome: 'failed', status: 'ERR_UPDATE_UNREACHABLE' },
      lists: [{ url: LIST, uses: ['block'], outcome: 'failed', status: 'ERR_UPDATE_UNREACHABLE' }],
    });
  });

  test('a directory that cannot be is an error of its own', async () => {
    const { code, stdout, stderr } = await ns.run(Netns.snet(['update', '--directory', '/proc/none']));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toStartWith("snet: the state directory /proc/none can't be used: ");
  });
});
