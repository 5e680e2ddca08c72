import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { askControl, AskError } from '../../src/app/ask_control.ts';
import { serveControl, type Controlled } from '../../src/app/control.ts';
import type { Explanation } from '../../src/dns/explain.ts';
import { composeAddresses } from '../../src/dns/wire/compose.ts';
import { queryFor, readQuery } from '../../src/dns/wire/query.ts';
import { parseAddress } from '../../src/net/address.ts';
import { createFlowStats } from '../../src/stats/flow_stats.ts';
import { folderForAll } from '../lab/folder.ts';

const folder = folderForAll();
let serial = 0;
const newPath = () => folder.file(`${serial++}.sock`);

const ADDRESS = parseAddress('192.0.2.7')!;

/** Says the same of every name but one. */
function explanation(name: string, type: number): Explanation | undefined {
  const query = queryFor(name, type);
  const { question } = query ? readQuery(query) : {};
  if (!query || !question) return undefined;
  return {
    answer: composeAddresses(query, question, [ADDRESS], 60),
    reason: 'mapped',
    side: undefined,
    kind: undefined,
    why: 'hosts *.example',
    remaining: undefined,
    split: undefined,
    ms: 1.2345,
  };
}

const asked: unknown[] = [];
const controlled: Controlled = {
  status: () => ({
    version: '1',
    pid: 2,
    uptime: 3,
    mechanism: 'nftables',
    upstream: 'shadowsocks 192.0.2.1:8388',
    upstreams: [],
    scope: 'bypass-cn',
    dns: undefined,
    flows: createFlowStats().snapshot(),
  }),
  explain(name, type, how) {
    asked.push([name, type, how]);
    return Promise.resolve(explanation(name, type));
  },
};

async function refused(path: string, socket: string): Promise<string> {
  try {
    await askControl(path, socket);
  } catch (error) {
    if (error instanceof AskError) return `${error.status} ${error.message}`;
    throw error;
  }
  throw new Error('it was answered');
}

describe('the control socket', () => {
  test('is for root alone, and is gone after stop()', async () => {
    const path = newPath();
    const control = serveControl(controlled, path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await control.stop();
    expect(existsSync(path)).toBe(false);
    expect(await askControl('/status', path)).toBeUndefined();
  });

  test('tells of names, and of the program', async () => {
    const path = newPath();
    const control = serveControl(controlled, path);
    expect(await askControl('/status', path)).toEqual(JSON.parse(JSON.stringify(controlled.status())));
    expect(await askControl('/dns?name=nas.example&anew=1', path)).toEqual({
      name: 'nas.example',
      type: 'A',
      why: 'hosts *.example',
      reason: 'mapped',
      rcode: 'NOERROR',
      records: [{ name: 'nas.example', ttl: 60, type: 'A', data: '192.0.2.7' }],
      asked: [],
      ms: 1.2,
    });
    await askControl('/dns?name=nas.example&type=aaaa', path);
    expect(asked.slice(-2)).toEqual([
      ['nas.example', 1, { anew: true }],
      ['nas.example', 28, { anew: false }],
    ]);
    await control.stop();
  });

  test('refuses what it does not know', async () => {
    const path = newPath();
    const control = serveControl(controlled, path);
    const says = 'ERR_CONTROL_REFUSED the running snet says:';
    expect(await refused('/names', path)).toBe(`${says} there is no /names`);
    expect(await refused('/dns?name=a.example&type=AAAAA', path)).toBe(
      `${says} no type of records has that name`,
    );
    expect(await refused(`/dns?name=${'a'.repeat(64)}.example`, path)).toBe(`${says} that can be no name`);
    await control.stop();

    const without = serveControl({ ...controlled, explain: undefined }, path);
    expect(await refused('/dns?name=a.example', path)).toBe(`${says} this snet runs without its resolver`);
    await without.stop();
  });

  test('goes on after a fault', async () => {
    const path = newPath();
    let faults = 1;
    const explain: Controlled['explain'] = (name, type) =>
      faults-- > 0 ? Promise.reject(new Error('a fault')) : Promise.resolve(explanation(name, type));
    const control = serveControl({ ...controlled, explain }, path);
    expect(await refused('/dns?name=a.example', path)).toBe(
      'ERR_CONTROL_REFUSED the running snet says: a fault',
    );
    expect(await askControl('/dns?name=a.example', path)).toMatchObject({ reason: 'mapped' });
    await control.stop();
  });

  test('takes the place of one that a killed snet has left, which nobody answers at', async () => {
    const path = newPath();
    const script = `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); process.kill(process.pid, 'SIGKILL');`;
    await Bun.spawn([process.execPath, '-e', script]).exited;
    expect(existsSync(path)).toBe(true);
    expect(await askControl('/status', path)).toBeUndefined();
    const control = serveControl(controlled, path);
    expect(await askControl('/status', path)).toMatchObject({ pid: 2 });
    await control.stop();
  });

  test('does not take the place of a file that is something else', () => {
    const path = newPath();
    writeFileSync(path, 'dear');
    expect(() => serveControl(controlled, path)).toThrow(/can't be made/);
    expect(readFileSync(path, 'utf8')).toBe('dear');
  });

  test('can not be where there is no folder', () => {
    const path = folder.file('none/x.sock');
    expect(() => serveControl(controlled, path)).toThrow(`the control socket ${path} can't be made`);
  });
});

test('askControl() says so if what answers is no snet', async () => {
  const path = newPath();
  const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes'));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(await refused('/status', path)).toBe(
    "ERR_CONTROL_BROKEN the answer of the running snet can't be read",
  );
  server.close();
});
