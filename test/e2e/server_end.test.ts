/** How `snet server` ends, and what it does when there is room for few. */
import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { curlThroughLocal, fetchThroughLocal, startLocal } from '../lab/local.ts';
import { openDescriptors } from '../lab/proc.ts';
import { start } from '../lab/program.ts';
import { startSnetServer } from '../lab/snet.ts';
import { SERVER } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const { method, password, port } = SERVER;
const SMALL = 10 * 1024 * 1024;

describeNeeding(['root', 'ip', 'curl', 'nc', 'ss-local', 'prlimit', 'setpriv'], 'snet server', () => {
  const folder = folderForAll();
  const internet = internetForAll();

  const serve = (...under: readonly string[]) =>
    startSnetServer(internet.far, ['--method', method, '--listen', String(port)], {
      env: { SNET_PASSWORD: password },
      under,
    });
  const local = () => startLocal(internet.client, FAR.v4, SERVER);
  const fetch = (seconds?: number) => fetchThroughLocal(internet.client, url(ABROAD.v4), seconds);

  /** A download of so many bytes. */
  const download = (bytes: number, ...more: readonly string[]) =>
    start(internet.client, [
      ...curlThroughLocal(...more, '-o', '/dev/null', '-w', '%{size_download}'),
      url(ABROAD.v4, `bulk/${bytes}`),
    ]);

  /** Bytes of bulks that the origin got rid of. */
  const sent = async () => Number(await internet.world.must(['curl', '-sS', url('127.0.0.1', 'sent')]));

  test('that is to stop lets those finish who are under way, and takes no others', async () => {
    await using server = await serve();
    await using _local = await local();
    const before = await sent();
    await using slow = download(SMALL, '--limit-rate', String(SMALL / 4));
    await eventually('it to be under way', async () => (await sent()) > before);
    server.signal('SIGTERM');
    await server.says(
      /stopping: waiting for connections; another signal ends them signal=SIGTERM connections=1 /,
    );
    expect((await fetch(2)).code).not.toBe(0);
    expect(await slow.ended()).toBe(0);
    expect(slow.stdout()).toBe(String(SMALL));
    expect(await server.ended()).toBe(0);
    expect(server.said()).toMatch(/ user user=\S.* connections=1 bytesUp=\d+ bytesDown=1048\d{4}/);
    expect(server.said()).toMatch(/ stopped connections=\d+ reset=0 /);
  });

  test.each([
    ['a second signal comes', '30s'],
    ['the time is up', '500ms'],
  ])('that is to stop resets them when %s', async (_, drain) => {
    const config = folder.file('drain.json');
    const listener = { type: 'shadowsocks', listen: String(port), method, password };
    const file = { server: { listeners: [listener], timeouts: { drain } } };
    await writeFile(config, JSON.stringify(file), { mode: 0o600 });
    await using server = await startSnetServer(internet.far, ['-c', config]);
    await using _local = await local();
    const before = await sent();
    await using endless = download(2 ** 40);
    await eventually('it to be under way', async () => (await sent()) > before);
    server.signal('SIGTERM');
    await server.says(/stopping: waiting for connections/);
    if (drain === '30s') server.signal('SIGINT');
    expect(await server.ended()).toBe(0);
    expect(server.said()).toMatch(/ stopped connections=1 reset=1 /);
    expect(await endless.ended()).not.toBe(0);
  });

  test('reads its file again on SIGHUP; one that is broken changes nothing', async () => {
    const config = folder.file('reload.json');
    const write = (listener: object, level = 'info') => {
      const listeners = [{ type: 'shadowsocks', listen: String(port), method, ...listener }];
      return writeFile(config, JSON.stringify({ server: { listeners }, log: { level } }), { mode: 0o600 });
    };
    await write({ password: 'another' });
    await using server = await startSnetServer(internet.far, ['-c', config]);
    await using _local = await local();
    expect((await fetch(1)).code).not.toBe(0);

    await write({ password }, 'debug');
    server.signal('SIGHUP');
    await server.says(/ reloaded /);
    expect((await fetch()).stdout).toBe(`${FAR.v4}\n`);
    await server.says(/debug flow ended status=OK /);
    const before = await sent();
    await using slow = download(SMALL, '--limit-rate', String(SMALL / 4));
    await eventually('it to be under way', async () => (await sent()) > before);

    for (const [broken, why] of [
      [{ password, method: 'rot13' }, /reload\.json.*\.method: found an unknown name/],
      [{ password, listen: `192.0.2.1:${port}` }, /status=ERR_LISTEN reason="cannot listen on 192\.0\.2\.1/],
    ] as const) {
      const since = server.said().length;
      await write(broken);
      server.signal('SIGHUP');
      await server.says(/the new configuration was not taken; the old one stays in force/, since);
      expect(server.said().slice(since)).toMatch(why);
      expect((await fetch()).stdout).toBe(`${FAR.v4}\n`);
    }

    await write({ users: [{ name: 'alice', password: 'another' }] });
    server.signal('SIGHUP');
    await eventually('it to be reloaded', () => server.said().match(/ reloaded /g)?.length === 2);
    expect((await fetch(1)).code).not.toBe(0);
    expect(await slow.ended()).toBe(0);
    expect(slow.stdout()).toBe(String(SMALL));
    server.signal('SIGTERM');
    expect(await server.ended()).toBe(0);
  });

  test('that nobody uses stops at once', async () => {
    await using server = await serve();
    server.signal('SIGHUP');
    expect(await server.ended()).toBe(0);
    expect(server.said()).not.toInclude('waiting');
  });

  test('raises the limit of its descriptors as far as it may, and stays below it', async () => {
    const withoutPower = ['setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource'];
    await using server = await serve('prlimit', '--nofile=100:300', ...withoutPower);
    // (300 - 64) / 2
    await server.says(/ ready limit=118 /);
    const visit = `sleep 30 | nc ${FAR.v4} ${port}`;
    await using crowd = start(internet.client, ['sh', '-c', `for i in $(seq 200); do ${visit} & done; wait`]);
    await server.says(/too many clients that say nothing: the oldest are sent away status=ERR_EVICTED /);
    expect(openDescriptors(server.pid)).toBeLessThan(300);
    await using _local = await local();
    expect((await fetch()).stdout).toBe(`${FAR.v4}\n`);
    crowd.signal('SIGKILL');
  });
});
