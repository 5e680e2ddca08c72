import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { readReplies } from '../../../src/redirect/nftables/message.ts';

/** Written by hand after linux/netlink.h: a message of a batch refused, with all that the kernel may add. */
const REFUSAL = [
  '34000000 0200 0003 05000000 39300000', // nlmsghdr: NLMSG_ERROR, CAPPED | ACK_TLVS, sequence 5
  'efffffff', // -EEXIST
  '90000000 0c0a 0104 05000000 00000000', // the request's nlmsghdr
  '0800 0200 70000000', // NLMSGERR_ATTR_OFFS: 112
  '0800 0100 6e6f2100', // NLMSGERR_ATTR_MSG: no!
]
  .join('')
  .replaceAll(' ', '');

describe('readReplies()', () => {
  test('reads a refusal with its text and offset', () => {
    expect(readReplies(Uint8Array.fromHex(REFUSAL))).toEqual([
      { kind: 'verdict', sequence: 5, errno: 17, text: 'no!', offset: 112 },
    ]);
  });

  test('reads that there is no more', () => {
    const done = '14000000 0300 0200 07000000 00000000 00000000'.replaceAll(' ', '');
    expect(readReplies(Uint8Array.fromHex(done))).toEqual([{ kind: 'end', sequence: 7 }]);
  });

  test('reads an acknowledgement, and several messages of one datagram', () => {
    const ack = `24000000020000010600000000000000${'00'.repeat(20)}`;
    const replies = readReplies(Uint8Array.fromHex(REFUSAL + ack));
    expect(replies).toHaveLength(2);
    expect(replies[1]).toEqual({
      kind: 'verdict',
      sequence: 6,
      errno: 0,
      text: undefined,
      offset: undefined,
    });
  });

  test('never throws, and ends at what is cut short', () => {
    const bytes = Uint8Array.fromHex(REFUSAL);
    for (let end = 0; end < bytes.length; end++) expect(readReplies(bytes.subarray(0, end))).toEqual([]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        readReplies(noise);
      }),
    );
    // Noise that is a verdict by its header.
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 300 }), fc.boolean(), (noise, details) => {
        const view = new DataView(noise.buffer);
        view.setUint32(0, noise.length, true);
        view.setUint16(4, 2, true);
        view.setUint16(6, details ? 0x200 : 0, true);
        expect(readReplies(noise)).toHaveLength(1);
      }),
    );
  });
});
