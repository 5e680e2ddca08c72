/**
 * A pf on Linux: what connection tracking knows of a redirected connection is told through the struct of macOS. So all of
 * the way from an accepted socket to its original destination runs here, but for the kernel at its end.
 */
import { localOf, peerOf } from '../../../ffi/socket_ends.ts';
import { originalDestination } from '../../../src/inbound/original_destination_linux.ts';
import { unmapped } from '../../../src/net/address.ts';
import type { PfDevice } from '../../../src/inbound/natlook/pf_device.ts';
import { fakePf, questionOf, type Answer } from './fake_pf.ts';

export function conntrackPf(): PfDevice {
  /** Of the one socket whose ends were asked for last: the next question is about it. */
  let last: { readonly question: string; readonly answer: Answer } | undefined;
  const pf = fakePf((question) => (question === last?.question ? last.answer : 'ENOENT'));
  return {
    ...pf,
    peerOf(fd) {
      const client = peerOf(fd);
      const found = originalDestination(fd, unmapped(client).family);
      last = {
        question: questionOf(client, localOf(fd)),
        answer: found === undefined ? 'ENOENT' : { ...found.address, port: found.port },
      };
      return client;
    },
  };
}
