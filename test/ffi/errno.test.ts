import { describe, expect, test } from 'bun:test';
import { constants } from 'node:os';
import { errnoName, errnoOf, SystemError } from '../../ffi/errno.ts';

describe('errno', () => {
  test('has the names of this system', () => {
    // Two names for one number: errno.h makes the first an alias of the second.
    const aliases: Record<string, string> = {
      EWOULDBLOCK: 'EAGAIN',
      ENOTSUP: 'EOPNOTSUPP',
      EDEADLOCK: 'EDEADLK',
    };
    const names = new Map(
      Object.entries(constants.errno).map(([name, value]) => [value, aliases[name] ?? name]),
    );
    let known = 0;
    for (let value = 1; value < 200; value++) {
      const name = errnoName(value);
      if (name === `errno ${value}`) continue;
      expect([value, name]).toEqual([value, names.get(value)!]);
      known++;
    }
    expect(known).toBeGreaterThan(30);
  });

  test('knows on macOS what it knows on Linux, by the same name', () => {
    const namesOn = (platform: NodeJS.Platform) =>
      Array.from({ length: 200 }, (_, value) => errnoName(value, platform))
        .filter((name) => !name.startsWith('errno '))
        .sort();
    // Two errors on macOS, one on Linux.
    expect(namesOn('darwin').filter((name) => name !== 'ENOTSUP')).toEqual(namesOn('linux'));
    expect(errnoName(35, 'darwin')).toBe('EAGAIN');
    expect(errnoName(11, 'linux')).toBe('EAGAIN');
  });

  test('has the numbers of either system by their names', () => {
    expect(errnoOf('EINPROGRESS', 'linux')).toBe(115);
    expect(errnoOf('EINPROGRESS', 'darwin')).toBe(36);
    expect(errnoOf('EINPROGRESS')).toBe(constants.errno.EINPROGRESS);
  });

  test('is told with the call and the detail', () => {
    const error = new SystemError('bind', 13, 'port 53');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      call: 'bind',
      errno: 13,
      code: 'EACCES',
      message: 'bind: EACCES (port 53)',
      name: 'SystemError',
    });
    expect(new SystemError('bind', 199).message).toBe('bind: errno 199');
  });
});
