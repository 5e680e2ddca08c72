import { expect, test } from 'bun:test';
import { RunError, type Finished, type Runner } from '../../src/base/runner.ts';
import { flushNameCaches } from '../../src/dns/flush_name_caches.ts';

async function flush(answer: (program: string) => Partial<Finished>) {
  const commands: string[] = [];
  const lines: string[] = [];
  const runner: Runner = {
    async run(argv) {
      commands.push(argv.join(' '));
      return { code: 0, stdout: '', stderr: '', ...answer(argv[0]!) };
    },
    start: () => {
      throw new TypeError('nothing is to be started');
    },
  };
  const debug = (message: string, fields: object = {}) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  await flushNameCaches(runner, { debug });
  return { commands, lines };
}

test('both caches', async () => {
  expect(await flush(() => ({}))).toEqual({
    commands: ['dscacheutil -flushcache', 'killall -HUP mDNSResponder'],
    lines: [],
  });
});

test('the second also if the first can not be, and says why', async () => {
  const { commands, lines } = await flush((program) => {
    if (program === 'dscacheutil') throw new RunError('ERR_RUN_MISSING', 'not installed');
    return { code: 1, stderr: 'No matching processes belonging to you were found\n' };
  });
  expect(commands).toHaveLength(2);
  expect(lines).toEqual([
    'a cache of names is not flushed {"command":"dscacheutil -flushcache","reason":"not installed"}',
    'a cache of names is not flushed {"command":"killall -HUP mDNSResponder","code":1,' +
      '"reason":"No matching processes belonging to you were found"}',
  ]);
});
