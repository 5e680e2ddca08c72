/**
 * Timeouts without a timer per connection: a coarse clock ticks while there are relays, and each tick looks at all of
 * them. Five thousand relays cost some tens of microseconds a tick.
 */
import type { Relay } from './relay.ts';

export interface RelayTimeouts {
  /** All in milliseconds; what they mean is said in config/config.ts. */
  readonly dial: number;
  readonly idle: number;
  readonly halfClosed: number;
}

/** Milliseconds without an answer after which a relay says so; its connection goes on. */
const UNANSWERED = 5_000;

/** How late a timeout may be, in milliseconds. */
const TICK = 250;

export class Sweep {
  /** Milliseconds, monotonic, at most one tick old. */
  now = Math.round(performance.now());
  readonly #relays: ReadonlySet<Relay>;
  #timeouts: RelayTimeouts;
  #timer: Timer | undefined;

  constructor(relays: ReadonlySet<Relay>, timeouts: RelayTimeouts) {
    this.#relays = relays;
    this.#timeouts = timeouts;
  }

  set timeouts(timeouts: RelayTimeouts) {
    this.#timeouts = timeouts;
  }

  /** To be called when a relay is added: an idle program has no timer at all. */
  wake(): void {
    if (this.#timer !== undefined) return;
    this.now = Math.round(performance.now());
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.now = Math.round(performance.now());
    if (this.#relays.size === 0) return this.stop();
    for (const relay of this.#relays) expire(relay, this.now, this.#timeouts);
  }
}

/** Ends what is overdue. */
function expire(relay: Relay, now: number, timeouts: RelayTimeouts): void {
  const still = now - relay.lastActive;
  relay.noteAnswer();
  relay.leaveFutile();
  if (relay.waiting && still >= UNANSWERED) relay.noteUnanswered();
  if (!relay.isOpen) {
    relay.approach?.expire(performance.now(), timeouts.dial);
  } else if (relay.halfClosed) {
    if (still >= timeouts.halfClosed) relay.settle('ERR_HALF_CLOSED');
  } else if (still >= timeouts.idle) {
    relay.settle('ERR_IDLE');
  }
}
