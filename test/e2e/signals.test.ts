/** What other programs and the user may do to a running snet. */
import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { EXIT } from '../../src/cli/exit.ts';
import { eventually } from '../lab/eventually.ts';
import { firewalls } from '../lab/firewalls.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CLIENT, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { Netns } from '../lab/netns.ts';
import { start, type Program } from '../lab/program.ts';
import { PORTS } from '../lab/services.ts';
import { beside, startSnet } from '../lab/snet.ts';
import { SERVER, shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const OTHER = { ...SERVER, port: SERVER.port + 1, method: 'chacha20-ietf-poly1305' };

describeNeeding(
  ['root', 'ip', 'curl', 'nc', 'nft', 'iptables', 'ipset', 'ss-server'],
  'a running snet',
  () => {
    const folder = folderForAll();
    let server: Program;
    let before: string;
    const internet = internetForAll(async ({ client, far }, undo) => {
      server = await startServer(far);
      // One of the tests puts another in its place.
      undo.defer(() => server[Symbol.asyncDispose]());
      before = await firewalls(client);
    });

    const seenAs = async (address: string) =>
      (await internet.client.must(['curl', '-sS', '--max-time', '10', url(address)])).trim();

    async function configured(config: object): Promise<string> {
      const file = folder.file('snet.json');
      await writeFile(file, JSON.stringify(config));
      return file;
    }

    test.each(['SIGTERM', 'SIGINT'] as const)(
      'ends with %s, its connections reset, its rules gone',
      async (name) => {
        await using snet = await startSnet(internet.client, [shareLink(FAR.v4)]);
        await using nc = start(internet.client, ['nc', ABROAD.v4, String(PORTS.drip)]);
        await nc.says(/\./);
        snet.signal(name);
        expect(await snet.ended()).toBe(EXIT.ok.code);
        expect(await firewalls(internet.client)).toBe(before);
        await nc.ended();
        expect(await seenAs(ABROAD.v4)).toBe(CLIENT.v4);
      },
    );

    test('ends with SIGHUP as with SIGTERM if there is no file to read anew', async () => {
      await using snet = await startSnet(internet.client, [shareLink(FAR.v4)]);
      snet.signal('SIGHUP');
      expect(await snet.ended()).toBe(EXIT.ok.code);
      expect(await firewalls(internet.client)).toBe(before);
    });

    test('keeps its rules when another program flushes all rules', async () => {
      await beside(internet.client, [shareLink(FAR.v4)], async () => {
        await internet.client.must(['nft', 'flush', 'ruleset']);
        expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
        expect((await internet.client.run(['nft', 'delete', 'table', 'inet', 'snet'])).code).not.toBe(0);
        expect(await seenAs(ABROAD.v6)).toBe(FAR.v6);
      });
    });

    test('is named to a second one, which leaves it alone', async () => {
      await beside(internet.client, [shareLink(FAR.v4)], async (snet) => {
        const second = await internet.client.run(
          Netns.snet(['run', shareLink(FAR.v4), '--port', '1112', '--no-dns']),
        );
        expect(second.code).toBe(EXIT.inUse.code);
        expect(second.stderr).toContain(String(snet.pid));
        expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
      });
    });

    test('takes a new configuration for new connections at SIGHUP', async () => {
      await using _other = await startServer(internet.far, OTHER);
      const file = await configured({ upstream: shareLink(FAR.v4) });
      await beside(internet.client, ['-c', file], async (snet) => {
        await using nc = start(internet.client, ['nc', ABROAD.v4, String(PORTS.drip)]);
        await nc.says(/\./);

        await configured({ upstream: shareLink(FAR.v4, OTHER), bypass: [ABROAD.v6] });
        snet.signal('SIGHUP');
        await snet.says(/ reloaded /);
        // The first server could not serve these any more.
        await server[Symbol.asyncDispose]();
        expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
        expect(await seenAs(ABROAD.v6)).toBe(CLIENT.v6);
        await nc.ended();
        server = await startServer(internet.far);
      });
    });

    test('ends at once, though a reload waits for a name', async () => {
      const file = await configured({ upstream: shareLink(FAR.v4) });
      await using snet = await startSnet(internet.client, ['-c', file]);
      const mute =
        'table ip mute { chain in { type filter hook prerouting priority 0; udp dport 53 drop; }; }\n';
      await internet.world.must(['nft', '-f', '-'], { stdin: mute });
      await configured({ upstream: shareLink('proxy.example') });
      snet.signal('SIGHUP');
      await Bun.sleep(300);
      const began = performance.now();
      snet.signal('SIGTERM');
      expect(await snet.ended()).toBe(0);
      // The resolver's own patience is many times that.
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(snet.said()).toContain('the old one stays in force');
      await internet.world.must(['nft', 'delete', 'table', 'ip', 'mute']);
    });

    test('lets connections in flight go on over a reload', async () => {
      const file = await configured({ upstream: shareLink(FAR.v4) });
      await beside(internet.client, ['-c', file], async (snet) => {
        await using nc = start(internet.client, ['nc', ABROAD.v4, String(PORTS.drip)]);
        await nc.says(/\./);
        await configured({ upstream: shareLink(FAR.v4), bypass: [ABROAD.v4] });
        snet.signal('SIGHUP');
        await snet.says(/ reloaded /);
        expect(await seenAs(ABROAD.v4)).toBe(CLIENT.v4);
        const [told, dots] = [snet.said().length, nc.stdout().length];
        await eventually('more of the old connection', () => nc.stdout().length > dots + 5);
        expect(snet.said().length).toBe(told);
        expect(nc.running).toBe(true);
      });
    });

    test.each([
      ['no JSON', '{ "upstream": ', /snet\.json:1:/],
      ['an unknown key', JSON.stringify({ upstream: shareLink(FAR.v4), bypas: [] }), /bypas\b/],
      [
        'a name that has no address',
        JSON.stringify({ upstream: shareLink('nowhere.invalid') }),
        /nowhere\.invalid/,
      ],
    ])('stays as it is and says why if the new file holds %s', async (_, text, reason) => {
      const file = await configured({ upstream: shareLink(FAR.v4) });
      await beside(internet.client, ['-c', file], async (snet) => {
        await writeFile(file, text);
        snet.signal('SIGHUP');
        const [line] = await snet.says(/^.* the old one stays in force .*$/m);
        expect(line).toMatch(reason);
        expect(line).toContain('status=ERR_');
        expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
        expect(await seenAs(ABROAD.v6)).toBe(FAR.v6);
      });
    });
  },
);
