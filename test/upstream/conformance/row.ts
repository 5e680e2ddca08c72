/** One protocol of the conformance suite: both its ends, and chains of such. */
import { parseAddress } from '../../../src/net/address.ts';
import type { Tunnel } from '../../../src/net/session.ts';
import { formatTarget, type Target } from '../../../src/net/target.ts';
import { chain } from '../../../src/upstream/chain.ts';
import { tunnelAt } from '../../../src/upstream/chain/hop.ts';
import { NOTHING, type FarEnd } from './far_end.ts';

/** What an end of the stream may cut in two: any record, only something that goes before all bytes, nothing. */
export type Framing = 'records' | 'start' | 'none';

export interface Row {
  readonly name: string;
  readonly framing: Framing;
  /**
   * The client's end, new.
   * @param watch is given every tunnel that it consists of, and what it returns is taken in its place
   */
  tunnel(target: Target, watch?: Watch): Tunnel;
  /** The other end, new. */
  farEnd(): FarEnd;
}

export type Watch = (tunnel: Tunnel) => Tunnel;

/** A protocol by itself. */
export function protocol(
  name: string,
  framing: Framing,
  tunnel: (target: Target) => Tunnel,
  farEnd: () => FarEnd,
): Row {
  return { name, framing, tunnel: (target, watch = (same) => same) => watch(tunnel(target)), farEnd };
}

/** Where the outer proxy of a chain is to connect to: the inner one. */
const HOP: Target = { address: parseAddress('2001:db8::9')!, port: 9 };

/** One protocol through another; each says where it is spoken, as in a chain that a configuration has. */
export function chained(outer: Row, inner: Row): Row {
  return {
    name: `(${outer.name} > ${inner.name})`,
    framing:
      (['records', 'start'] as const).find((any) => [outer, inner].some(({ framing }) => framing === any)) ??
      'none',
    tunnel: (target, watch) =>
      chain(
        tunnelAt(outer.name, outer.tunnel(HOP, watch)),
        tunnelAt(inner.name, inner.tunnel(target, watch)),
      ),
    farEnd: () => chainedFarEnd(outer.farEnd(), inner.farEnd()),
  };
}

function chainedFarEnd(outer: FarEnd, inner: FarEnd): FarEnd {
  return {
    get target() {
      return inner.target;
    },
    take(wire) {
      const { answer, plain } = outer.take(wire);
      if (!outer.target) return { answer, plain: NOTHING };
      if (formatTarget(outer.target) !== formatTarget(HOP)) throw new Error('not to the inner proxy');
      const inside = inner.take(plain);
      const reply = inside.answer.length > 0 ? outer.send(inside.answer) : NOTHING;
      return { answer: Buffer.concat([answer, reply]), plain: inside.plain };
    },
    takeEnd() {
      outer.takeEnd();
      inner.takeEnd();
    },
    send: (plain) => outer.send(inner.send(plain)),
    dispose() {
      outer.dispose();
      inner.dispose();
    },
  };
}
