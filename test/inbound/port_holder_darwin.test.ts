import { describe, expect, test } from 'bun:test';
import { missingProgram, type RunNow } from '../../src/base/runner.ts';
import { holderIn, portHolder } from '../../src/inbound/port_holder_darwin.ts';
import { describeNeeding } from '../needs.ts';

describe('holderIn()', () => {
  test.each([
    // lsof 4.91 of macOS prints f whether it is asked for or not; 4.95 does not.
    ['p412\ncnginx\nf6\n', 'process 412 (nginx)'],
    ['p412\ncnginx\nf6\nf7\np413\ncnginx\nf6\n', 'process 412 (nginx)'],
    ['p1\ncGoogle Chrome Helper (Plugin)\n', 'process 1 (Google Chrome Helper (Plugin))'],
    ['p77\n', 'process 77'],
    ['p77\nc\n', 'process 77'],
    ['p77\np78\ncx\n', 'process 77 (x)'],
  ])('%j: %s', (fields, holder) => expect(holderIn(fields)).toBe(holder));

  test.each(['', '\n', 'cnginx\n', 'p\n', 'p12x\n', 'lsof: WARNING: can not stat\n'])(
    '%j: nobody',
    (fields) => expect(holderIn(fields)).toBeUndefined(),
  );
});

describe('portHolder()', () => {
  test('asks for listeners only, and for nothing to be looked up', () => {
    const asked: string[] = [];
    const run: RunNow = (argv) => {
      asked.push(argv.join(' '));
      return { code: 0, stdout: 'p412\ncnginx\n', stderr: '' };
    };
    expect(portHolder(1111, run)).toBe('process 412 (nginx)');
    expect(asked).toEqual(['lsof -nP -iTCP:1111 -sTCP:LISTEN +c 0 -Fpc']);
  });

  test('knows nothing where lsof finds nobody, or is missing', () => {
    expect(portHolder(1111, () => ({ code: 1, stdout: '', stderr: '' }))).toBeUndefined();
    const missing: RunNow = () => {
      throw missingProgram('lsof');
    };
    expect(portHolder(1111, missing)).toBeUndefined();
  });

  test('hides no fault of ours', () => {
    const faulty: RunNow = () => {
      throw new TypeError('ours');
    };
    expect(() => portHolder(1111, faulty)).toThrow('ours');
  });
});

describeNeeding(['lsof'], 'portHolder(), by the real lsof', () => {
  test.each(['127.0.0.1', '::1'])('finds us on %s', (hostname) => {
    const server = Bun.listen({ hostname, port: 0, socket: { data() {} } });
    expect(portHolder(server.port)).toStartWith(`process ${process.pid} (`);
    server.stop(true);
    expect(portHolder(server.port)).toBeUndefined();
  });
});
