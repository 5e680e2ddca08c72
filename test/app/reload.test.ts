import { describe, expect, test } from 'bun:test';
import { fixedAtStart } from '../../src/app/reload.ts';
import { loadText } from '../../src/config/load.ts';

const load = (file: object) =>
  loadText({ name: 'f', text: JSON.stringify({ upstream: 'ss://aes-128-gcm:x@192.0.2.1:1', ...file }) })
    .config;

describe('what a reload cannot change', () => {
  test.each<[string[], object, object]>([
    [[], {}, {}],
    [[], { scope: 'global' }, { scope: 'bypass-cn' }],
    [[], { dns: { china: ['192.0.2.1'] } }, { dns: { china: ['192.0.2.2'], block: ['a.example'] } }],
    [[], { dns: false }, { dns: false }],
    [['listen.port'], { listen: { port: 2 } }, {}],
    [['redirect.gid', 'redirect.mechanism'], {}, { redirect: { gid: 5, mechanism: 'iptables' } }],
    [['max-connections'], {}, { 'max-connections': 5 }],
    [['dns'], {}, { dns: false }],
    [['dns'], { dns: false }, { dns: { port: 5 } }],
    [['dns.port'], {}, { dns: { port: 5 } }],
    [['dns.cache'], {}, { dns: { cache: { size: '1MiB' } } }],
  ])('is %j', (keys, running, next) => {
    expect(fixedAtStart(load(running), load(next))).toEqual(keys);
  });
});
