/**
 * The run on a real Mac, rehearsed: real.ts as it is, with snet of macOS on a Mac made of a file. So what fails on a real one
 * fails there for the first time because of the Mac.
 */
import { expect, test } from 'bun:test';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { folderForEach } from '../lab/folder.ts';
import { ABROAD } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import type { MacState } from '../lab/mac/mac_state.ts';
import { makeMac } from '../lab/mac/namespace.ts';
import { describeNeeding } from '../needs.ts';

const BUN = process.execPath;
const at = (name: string) => new URL(name, import.meta.url).pathname;

/** What of the Mac's programs is made of the file; what does nothing but succeed; and snet, of macOS where it counts. */
const OF_THE_MAC = ['pfctl', 'sysctl', 'sw_vers', 'scutil'];
const STAND_INS: Readonly<Record<string, string>> = {
  codesign: 'exit 0',
  csrutil: 'exit 0',
  shasum: 'exit 0',
  route: 'echo "  interface: en0"',
  ...Object.fromEntries(OF_THE_MAC.map((name) => [name, `exec ${BUN} ${at('mac_program.ts')} ${name} "$@"`])),
  snet: `case "$1" in
    run | clean) exec ${BUN} ${at('../lab/mac/snet.ts')} "$@" ;;
    *) exec ${BUN} ${at('../../src/main.ts')} "$@" ;;
  esac`,
};

/** What takes names, or the Internet, or the 30 seconds of the watchdog. */
const SKIPPED = 'HTTPS|load$|DNS|resolves|turns pf on';

describeNeeding(['root', 'ip', 'nft', 'curl', 'dig', 'pgrep'], 'the run on a Mac', () => {
  const internet = internetForAll();
  const folder = folderForEach();

  async function rehearse(change?: (state: MacState) => void) {
    const { mac } = await makeMac(internet.client, folder.path, change);
    // It would come with the first start: one more file than before.
    await writeFile(mac.routes, '');
    await mkdir(folder.file('bin'));
    for (const [name, script] of Object.entries(STAND_INS)) {
      await writeFile(folder.file(`bin/${name}`), `#!/bin/sh\n${script}\n`);
      await chmod(folder.file(`bin/${name}`), 0o755);
    }
    const bound = 'mkdir -p -m 700 /run/snet && mount --bind "$0" /run/snet && exec "$@"';
    const real = [BUN, at('real.ts'), '--snet', folder.file('bin/snet'), '--report', folder.file('report')];
    const flags = [
      '--v4',
      ABROAD.v4,
      '--v6',
      ABROAD.v6,
      '--skip',
      SKIPPED,
      '--title',
      'rehearsal',
      '--config',
      '{"dns":false}',
    ];
    const { code, stdout, stderr } = await internet.client.run(
      ['sh', '-c', bound, folder.path, ...real, ...flags],
      { env: { PATH: `${folder.file('bin')}:${process.env['PATH']}` } },
    );
    const steps = stdout.split('\n').filter((line) => /^(?:ok|FAILED|skipped) /.test(line));
    const report = await Bun.file(folder.file('report/report.md')).text();
    return { code, steps, report, said: stdout + stderr };
  }

  test('goes through every step, and leaves a report', async () => {
    const { code, steps, report, said } = await rehearse();
    const failed = steps.filter((line) => line.startsWith('FAILED'));
    expect(failed, said).toEqual([]);
    expect(code, said).toBe(0);
    expect(steps.length).toBeGreaterThan(30);
    expect(report).toContain(' 0 failed, ');
    expect(report).toContain('original destinations are asked of pf by=ioctl');
    expect(report).toContain('pf as it was found facts=');
  }, 120_000);

  test('goes through every step where nothing works, and tells why', async () => {
    const { code, steps, report, said } = await rehearse((state) => {
      state.refusal = 'pfctl: /dev/pf: Operation not permitted';
    });
    expect(code, said).toBe(1);
    expect(steps.length, said).toBeGreaterThan(30);
    expect(steps).toContainEqual(expect.stringMatching(/^FAILED +snet starts \(/));
    expect(steps.at(-1)).toContain('snet clean finds nothing');
    expect(report).toContain('Operation not permitted');
    expect(report).toContain('Device Management');
  }, 120_000);
});
