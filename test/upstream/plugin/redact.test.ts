import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { redactorOf } from '../../../src/upstream/plugin/redact.ts';

describe('redactorOf()', () => {
  test.each([
    ['key=hunter22', 'bad key hunter22', 'bad key [redacted]'],
    ['tls;path=/secret;mux=1', 'GET /secret HTTP/1.1 (1)', 'GET [redacted] HTTP/1.1 (1)'],
    ['key=a\\;b\\=c\\\\d', 'key a;b=c\\d', 'key [redacted]'],
    ['key=a\\;b\\=c', 'options "key=a\\;b\\=c"', 'options "key=[redacted]"'],
    ['key=say "so"', 'level=error key="say \\"so\\""', 'level=error key="[redacted]"'],
    ['path=/a b/c', 'wss://host%2Fa%20b%2Fc', 'wss://host[redacted]'],
    ['a=secret;b=secretive', 'secretive, secret', '[redacted], [redacted]'],
    ['bareword', 'unknown option bareword', 'unknown option [redacted]'],
    ['key=with=more', 'with=more', '[redacted]'],
    ['key=ends\\', 'ends\\', '[redacted]'],
  ])('%s', (options, said, expected) => {
    expect(redactorOf(options)(said)).toBe(expected);
  });

  test('leaves what everybody on the way sees, and what is too short to be a secret', () => {
    const said = 'http www.example.com /etc/x.pem abc';
    expect(redactorOf('obfs=http;obfs-host=www.example.com;cert=/etc/x.pem;k=abc')(said)).toBe(said);
  });

  test.each([undefined, '', ';', '=', '\\', ';;a;=b;'])('of %p leaves all as it is', (options) => {
    expect(redactorOf(options)('a plain line')).toBe('a plain line');
  });

  test('no value of any option is left', () => {
    const value = fc.string({ minLength: 4, maxLength: 30 }).filter((text) => text.trim() !== '');
    const options = fc.array(fc.tuple(fc.constantFrom('key', 'path', 'password', 'x'), value), {
      minLength: 1,
    });
    fc.assert(
      fc.property(options, fc.array(fc.string({ maxLength: 3 })), (items, words) => {
        const escaped = (text: string) => text.replace(/[;=\\]/g, '\\$&');
        const redact = redactorOf(items.map(([name, text]) => `${name}=${escaped(text)}`).join(';'));
        for (const [, text] of items) {
          // A value may be a part of the word that takes its place.
          const rest = redact(['begin', text, ...words].join('\n')).replaceAll('[redacted]', '');
          expect(rest).not.toContain(text);
        }
      }),
    );
  });
});
