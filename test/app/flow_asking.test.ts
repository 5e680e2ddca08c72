/** Flows whose original destination another program is asked for: that takes its time. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { errnoOf, SystemError } from '../../ffi/errno.ts';
import type { Policy } from '../../src/app/policy.ts';
import { parseAddress, type Endpoint } from '../../src/net/address.ts';
import type { FlowStatus } from '../../src/net/flow_status.ts';
import { eventually } from '../lab/eventually.ts';
import { listenForFlows } from './flow_listener.ts';

const PROOF: Endpoint = { address: parseAddress('192.0.2.254')!, port: 9 };

let asked: () => Promise<Endpoint | undefined>;
let proofs: number;
let refused: { readonly status: FlowStatus; readonly cause: unknown }[];
let closed: number;
let undo: (() => void)[];

beforeEach(() => {
  proofs = closed = 0;
  refused = [];
  undo = [];
});
afterEach(() => undo.forEach((one) => one()));

/** As many clients, of flows of which four may be. */
async function crowd(size: number): Promise<void> {
  const { port, stop } = listenForFlows(
    { timeouts: {} as Policy['timeouts'] },
    {
      limit: 4,
      originalDestination: () => asked(),
      isProof: (destination) => destination === PROOF && ++proofs > 0,
      flowLog: {
        ended() {},
        retrying() {},
        refused: (status, cause) => void refused.push({ status, cause }),
      },
    },
  );
  undo.push(stop);
  const socket = { data() {}, close: () => void closed++ };
  for (let i = 0; i < size; i++) {
    const client = await Bun.connect({ hostname: '127.0.0.1', port, socket });
    undo.push(() => client.terminate());
  }
}

test('no more wait for theirs than there are descriptors for, and a proof among them is heard of', async () => {
  const told = Promise.withResolvers<Endpoint | undefined>();
  asked = () => told.promise;
  await crowd(30);
  await eventually('the last to be refused', () => refused.length >= 10);
  await Bun.sleep(20);
  expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'ERR_LIMIT'));
  told.resolve(PROOF);
  await eventually('all to be closed', () => closed === 30);
  expect(proofs).toBe(20);
  expect(refused).toHaveLength(10);
});

test.each([
  [
    'at once',
    (cause: Error) => {
      throw cause;
    },
  ],
  ['later', (cause: Error) => Promise.reject(cause)],
] as const)('that it can not be told is no fault of the client, and has its reason: %s', async (_, fail) => {
  const cause = new Error('pf knows two');
  asked = () => fail(cause);
  await crowd(1);
  await eventually('it to be refused', () => closed === 1);
  expect(refused).toEqual([{ status: 'ERR_ORIGINAL_DESTINATION', cause }]);
});

test('a client that is gone by then has gone, whatever became of the question', async () => {
  asked = () => Promise.reject(new SystemError('getpeername', errnoOf('ENOTCONN')));
  await crowd(1);
  await eventually('it to be refused', () => closed === 1);
  expect(refused).toEqual([{ status: 'CLIENT_RESET', cause: undefined }]);
});
