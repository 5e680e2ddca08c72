/** No upstream at all: the flow goes to its own destination, its bytes as they are. */
import type { Upstream } from './upstream.ts';

const PLAIN = {};

export const direct: Upstream = {
  label: 'direct',
  tls: undefined,
  patience: Infinity,
  takesNames: false,
  endpoints: (destination) => [destination],
  tunnel: () => PLAIN,
  report: () => {},
};
