/** A ByteStream as node's Duplex: what TLS of the runtime stands on. */
import { Duplex } from 'node:stream';
import type { ByteStream, ByteStreamEvents } from '../../net/byte_stream.ts';

/**
 * Begins to connect; what is written before it is connected waits. A failure is the Duplex's `error`, the far side's end
 * its `end`. To end it, destroy it: a ByteStream has no half-close.
 */
export function openDuplex(open: (events: ByteStreamEvents) => ByteStream): Duplex {
  let stream: ByteStream | undefined;
  return new Duplex({
    construct(done) {
      let isOpen = false;
      stream = open({
        open() {
          isOpen = true;
          done();
        },
        // Never paused: TLS takes all at once, and what it makes of it is bounded above.
        data: (bytes) => void this.push(bytes),
        close: (error) => {
          if (!isOpen) done(error ?? new Error('closed before it was open'));
          else if (error) this.destroy(error);
          else this.push(null);
        },
      });
    },
    read() {},
    write(bytes: Uint8Array, _encoding, done) {
      stream?.write(bytes);
      done();
    },
    final(done) {
      stream?.close();
      done();
    },
    destroy(error, done) {
      stream?.close();
      done(error);
    },
  });
}
