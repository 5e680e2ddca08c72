/**
 * What our chains and sets are called. Every name ends in the pid of the process that made it, so a guardian that comes
 * late takes out what its own process left, and nothing of the one that was started in its place.
 */

/** The user chain in the table nat, of both families. XT_EXTENSION_MAXNAMELEN leaves 28 characters. */
export function chainName(owner: number): string {
  return `SNET-${owner}`;
}

/** The set of addresses that go straight out. IPSET_MAXNAMELEN leaves 31 characters. */
export function setName(family: 4 | 6, owner: number): string {
  return `snet${family}-${owner}`;
}

/** Its successor, while that is being filled. */
export function nextSetName(family: 4 | 6, owner: number): string {
  return `${setName(family, owner)}-next`;
}

/** The pid in a name of ours; undefined for everybody else's. */
export function ownerOf(name: string): number | undefined {
  const [, owner] = /^(?:SNET|snet[46])-(\d+)(?:-next)?$/.exec(name) ?? [];
  return owner === undefined ? undefined : Number(owner);
}
