/** One upstream and no other: it is tried whatever was learnt of it. */
import type { Upstream, Upstreams } from './upstream.ts';

export function single(upstream: Upstream): Upstreams {
  const only = [upstream];
  return { label: upstream.label, candidates: () => only };
}
