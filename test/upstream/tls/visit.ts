/** One connection of a TLS client to a server: says a line, and hears one. */
import type { Endpoint } from '../../../src/net/address.ts';
import type { RemoteEnd, RemoteSocket } from '../../../src/net/socket.ts';
import { TlsError } from '../../../src/net/tls_failure.ts';
import { dial } from '../../../src/upstream/dial.ts';
import type { TlsClient } from '../../../src/upstream/tls_client.ts';

export interface Visit {
  /** `heard`: TLS came about, and a line came back. `closed`: so it did, but the server closed. */
  readonly result: 'heard' | 'closed' | 'failed' | TlsError['status'];
  /** Why not. */
  readonly message: string;
  readonly hint: string | undefined;
  readonly heard: string;
  /** With the session of a connection before. */
  readonly resumed: boolean;
  readonly protocol: string | undefined;
}

export function visit(endpoint: Endpoint, tls: TlsClient, words = 'hello\n'): Promise<Visit> {
  return new Promise((resolve) => dial(endpoint, tls, new Visitor(tls, words, resolve)));
}

class Visitor implements RemoteEnd {
  #heard = '';
  #resumed = false;
  #protocol: string | undefined;
  readonly #tls: TlsClient;
  readonly #words: string;
  readonly #resolve: (visit: Visit) => void;

  constructor(tls: TlsClient, words: string, resolve: (visit: Visit) => void) {
    this.#tls = tls;
    this.#words = words;
    this.#resolve = resolve;
  }

  remoteDialled(): void {}

  remoteSecured(socket: RemoteSocket, completed: boolean, error: Error | null): void {
    this.#resumed = socket.isSessionReused();
    const refusal = this.#tls.judge(socket, completed, error);
    if (refusal) {
      this.#ended(refusal.status, refusal);
      socket.terminate();
      return;
    }
    this.#protocol = socket.alpnProtocol || undefined;
    socket.write(this.#words);
  }

  remoteData(socket: RemoteSocket, chunk: Uint8Array): void {
    this.#heard += Buffer.from(chunk).toString();
    if (!this.#heard.includes('\n')) return;
    this.#ended('heard');
    socket.end();
  }

  remoteEnd(socket: RemoteSocket): void {
    socket.end();
  }

  remoteDrain(): void {}

  remoteClose(_: RemoteSocket, error?: Error): void {
    if (error instanceof TlsError) this.#ended(error.status, error);
    else this.#ended(error ? 'failed' : 'closed', error);
  }

  remoteFault(_: RemoteSocket, error: Error): void {
    this.#ended('failed', error);
  }

  /** The first counts. */
  #ended(result: Visit['result'], error?: Error): void {
    this.#resolve({
      result,
      message: error?.message ?? '',
      hint: error instanceof TlsError ? error.hint : undefined,
      heard: this.#heard,
      resumed: this.#resumed,
      protocol: this.#protocol,
    });
  }
}
