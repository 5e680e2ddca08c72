/**
 * Who is here, and whether there is room for one more. Strangers, who have not shown that they know a key, have to make
 * room for others: a crowd of them keeps nobody out.
 */

export interface CrowdLimits {
  /** Connections at once. */
  readonly total: number;
  /** Of one client, see client_key.ts. */
  readonly perClient: number;
  /** Of strangers. */
  readonly strangers: number;
}

export interface Crowd<Visitor> {
  /** May be replaced: whoever is here stays. */
  limits: CrowdLimits;
  readonly size: number;
  /** In the order in which they came. */
  readonly strangers: ReadonlySet<Visitor>;
  /**
   * Sees to it that there is room for one more, if that can be.
   * @param client who it is, see client_key.ts
   */
  makeRoom(client: string): boolean;
  /** One more, a stranger. */
  enter(visitor: Visitor, client: string): void;
  /** It is no stranger any more. */
  known(visitor: Visitor): void;
  /** To be called once for each that is in. */
  leave(visitor: Visitor, client: string): void;
}

/** @param evict has a stranger leave, the one who is here for the longest time; `leave` is called within it */
export function createCrowd<Visitor>(
  initial: CrowdLimits,
  evict: (visitor: Visitor) => void,
): Crowd<Visitor> {
  const strangers = new Set<Visitor>();
  const byClient = new Map<string, number>();
  let size = 0;
  let limits = initial;

  return {
    get limits() {
      return limits;
    },
    set limits(next) {
      limits = next;
    },
    get size() {
      return size;
    },
    strangers,
    makeRoom(client) {
      if ((byClient.get(client) ?? 0) >= limits.perClient) return false;
      if (size >= limits.total || strangers.size >= limits.strangers) {
        const [oldest] = strangers;
        if (oldest === undefined) return false;
        evict(oldest);
      }
      return true;
    },
    enter(visitor, client) {
      size++;
      strangers.add(visitor);
      byClient.set(client, (byClient.get(client) ?? 0) + 1);
    },
    known: (visitor) => void strangers.delete(visitor),
    leave(visitor, client) {
      size--;
      strangers.delete(visitor);
      const others = byClient.get(client)! - 1;
      if (others > 0) byClient.set(client, others);
      else byClient.delete(client);
    },
  };
}
