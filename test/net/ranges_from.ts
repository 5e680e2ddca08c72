import { parseCidr } from '../../src/net/cidr.ts';
import { rangesOf, type DualRanges } from '../../src/net/ranges.ts';

/** The addresses of both families in blocks that are written as `192.0.2.0/24`. */
export const rangesFrom = (...cidrs: readonly string[]): DualRanges =>
  rangesOf(cidrs.map((text) => parseCidr(text)!));
