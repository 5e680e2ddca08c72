import { describe, expect, test } from 'bun:test';
import { SystemError } from '../../../ffi/errno.ts';
import {
  changeRefused,
  conversationFailed,
  creationRefused,
  held,
} from '../../../src/redirect/nftables/failure.ts';
import { NFT_MSG } from '../../../src/redirect/nftables/uapi.ts';

const [EPERM, ENOENT, EEXIST, EBUSY, EINVAL, EPROTONOSUPPORT, EOPNOTSUPP] = [1, 2, 17, 16, 22, 93, 95];
const TABLE = { object: 'table inet snet', type: NFT_MSG.NEWTABLE };
const CHAIN = { object: 'chain output', type: NFT_MSG.NEWCHAIN };
const RULE = { object: 'rule "all else goes to snet"', type: NFT_MSG.NEWRULE };
const ELEMENTS = { object: 'set bypass4 elements 1..9', type: NFT_MSG.NEWSETELEM };

describe('a refusal to make the rules', () => {
  test.each([
    [undefined, EPERM, 'ERR_REDIRECT_PERMISSION'],
    [undefined, EOPNOTSUPP, 'ERR_REDIRECT_UNSUPPORTED'],
    [undefined, EINVAL, 'ERR_REDIRECT_UNSUPPORTED'],
    [undefined, EBUSY, 'ERR_REDIRECT_KERNEL'],
    [TABLE, EINVAL, 'ERR_REDIRECT_UNSUPPORTED'],
    [TABLE, EOPNOTSUPP, 'ERR_REDIRECT_UNSUPPORTED'],
    [TABLE, EPERM, 'ERR_REDIRECT_KERNEL'],
    [TABLE, EEXIST, 'ERR_REDIRECT_KERNEL'],
    [CHAIN, ENOENT, 'ERR_REDIRECT_UNSUPPORTED'],
    [RULE, ENOENT, 'ERR_REDIRECT_UNSUPPORTED'],
    [RULE, EINVAL, 'ERR_REDIRECT_KERNEL'],
    [ELEMENTS, EEXIST, 'ERR_REDIRECT_KERNEL'],
  ] as const)('%j, errno %d: %s', (request, errno, status) => {
    const error = creationRefused({ request, errno, reason: 'REASON' });
    expect(error.status).toBe(status);
    if (status !== 'ERR_REDIRECT_PERMISSION') expect(error.message).toContain('REASON');
    if (request) expect(error.message).toContain(request.object);
  });

  test('of a table with an owner says which kernel has it', () => {
    const { message } = creationRefused({
      request: TABLE,
      errno: EOPNOTSUPP,
      reason: 'EOPNOTSUPP',
    });
    expect(message).toBe(
      'this kernel lacks what nftables needs of a table with an owner, which needs Linux 5.12: it refused table inet snet: EOPNOTSUPP',
    );
  });
});

test('a refusal to change rules is never for lack of something', () => {
  expect(changeRefused({ request: ELEMENTS, errno: ENOENT, reason: 'ENOENT' })).toMatchObject({
    status: 'ERR_REDIRECT_KERNEL',
    message: 'nftables: the kernel refused set bypass4 elements 1..9: ENOENT',
  });
});

describe('a failed conversation', () => {
  test.each([
    [EPROTONOSUPPORT, 'ERR_REDIRECT_UNSUPPORTED'],
    [EPERM, 'ERR_REDIRECT_PERMISSION'],
    [EINVAL, 'ERR_REDIRECT_KERNEL'],
  ] as const)('errno %p: %s, with its cause', (errno, status) => {
    const cause = new SystemError('socket', errno);
    const error = conversationFailed(cause);
    expect(error).toMatchObject({ status, cause });
  });

  test("that is not the system's stays what it is", () => {
    for (const error of [held(7, undefined), new RangeError('ours')])
      expect(conversationFailed(error)).toBe(error);
  });
});

test('a holder that cannot be seen is named by its port', () => {
  expect(held(7, undefined)).toMatchObject({
    status: 'ERR_REDIRECT_HELD',
    message: 'the nftables table inet snet is held by netlink port 7, no process of this pid namespace',
    hint: 'is snet running in a container that shares this network?',
  });
});
