/** No upstream at all: the flow goes to its own destination, its bytes as they are. */
import type { Upstream } from './upstream.ts';

export const direct: Upstream = {
  label: 'direct',
  endpoints: (destination) => [destination],
  report: () => {},
  session: () => undefined,
};
