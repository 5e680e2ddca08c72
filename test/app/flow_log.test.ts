import { expect, test } from 'bun:test';
import { silent, type Fields, type Log } from '../../src/base/log.ts';
import { parseAddress, type Address } from '../../src/net/address.ts';
import { createFlowLog } from '../../src/app/flow_log.ts';
import type { Way } from '../../src/app/flow.ts';
import { direct } from '../../src/upstream/direct.ts';

function recorder(debugging = false) {
  const lines: { level: string; message: string; fields: Fields }[] = [];
  const record =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      void lines.push({ level, message, fields });
  const log: Log = {
    ...silent,
    debugging,
    warn: record('warn'),
    debug: record('debug'),
    error: record('error'),
  };
  return { log, lines };
}

const destination = { address: parseAddress('192.0.2.1')!, port: 443 };
const way: Way = {
  destination,
  generation: { flows: 1, finished: undefined },
  decision: { where: 'upstream', why: 'default' },
  reach: { upstream: { ...direct, label: 'shadowsocks 198.51.100.1:8388' }, endpoint: undefined, began: 0 },
  began: 0,
};

test('a failure says its status word, where to and why', () => {
  const { log, lines } = recorder();
  createFlowLog(log).ended(way, 'ERR_DIAL_REFUSED', 0, 0, new Error('ECONNREFUSED'));
  expect(lines).toHaveLength(1);
  expect(lines[0]!.level).toBe('warn');
  expect(lines[0]!.fields).toMatchObject({
    status: 'ERR_DIAL_REFUSED',
    destination: '192.0.2.1:443',
    upstream: 'shadowsocks 198.51.100.1:8388',
    reason: 'ECONNREFUSED',
  });
});

test('an address that was given for a name is called by it', () => {
  const { log, lines } = recorder();
  const nameOf = (address: Address) => (address === destination.address ? 'www.example.com' : undefined);
  createFlowLog(log, nameOf).ended(way, 'ERR_DIAL_REFUSED', 0, 0);
  expect(lines[0]!.fields).toMatchObject({ destination: '192.0.2.1:443', name: 'www.example.com' });
});

test('an orderly end is a line only for those who debug', () => {
  const quiet = recorder();
  createFlowLog(quiet.log).ended(way, 'OK', 1, 2);
  expect(quiet.lines).toEqual([]);
  const loud = recorder(true);
  createFlowLog(loud.log).ended(way, 'OK', 1, 2);
  expect(loud.lines[0]!.fields).toMatchObject({ status: 'OK', up: 1, down: 2 });
});

test('a flood of failures of one kind is cut, counted, and hides no other kind', () => {
  const { log, lines } = recorder();
  let now = 0;
  const flowLog = createFlowLog(log, undefined, () => now);
  for (let i = 0; i < 100; i++) flowLog.refused('ERR_LIMIT');
  flowLog.ended(way, 'ERR_AEAD', 0, 0);
  expect(lines.filter(({ fields }) => fields['status'] === 'ERR_LIMIT')).toHaveLength(5);
  expect(lines.filter(({ fields }) => fields['status'] === 'ERR_AEAD')).toHaveLength(1);
  now = 1_500;
  flowLog.refused('ERR_LIMIT');
  expect(lines.some(({ fields }) => fields['times'] === 95)).toBe(true);
});

test('a fault of ours shows its stack', () => {
  const { log, lines } = recorder();
  createFlowLog(log).ended(way, 'ERR_INTERNAL', 0, 0, new TypeError('a bug'));
  expect(lines.find(({ level }) => level === 'error')!.message).toContain('flow_log.test.ts');
});
