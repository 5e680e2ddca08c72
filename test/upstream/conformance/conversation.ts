/** What is said over one tunnel, with the far end's bytes cut, ended or spoilt wherever a test wants. */
import { formatTarget, type Target } from '../../../src/net/target.ts';
import { Client } from './client.ts';
import { NOTHING, type FarEnd } from './far_end.ts';
import type { Row, Watch } from './row.ts';

export interface Script {
  readonly target: Target;
  /** What the target says as soon as it is reached. */
  readonly banner: Uint8Array;
  /** What the client says, in pieces; an empty one first waits for the banner. */
  readonly up: readonly Uint8Array[];
  /** What the target says when it has got all of that. */
  readonly down: Uint8Array;
}

export interface Outcome {
  readonly target: string | undefined;
  /** What the target got, and what the client did. */
  readonly up: Uint8Array;
  readonly down: Uint8Array;
}

export class Conversation {
  readonly client: Client;
  readonly farEnd: FarEnd;
  /** How many bytes of the far end the client had got when its own bytes were let go. */
  openAt: number | undefined;
  readonly #script: Script;
  #unsaid: Uint8Array[];
  /** Bytes of the far end that the client has got; what they meant; what the target has got. */
  readonly #delivered: Uint8Array[] = [];
  readonly #atClient: Uint8Array[] = [];
  readonly #atTarget: Uint8Array[] = [];
  #missing: number;
  /** Said by the far end, and not yet given to the client. */
  #underway: Uint8Array = NOTHING;
  #hasGreeted = false;
  #hasAnswered = false;

  constructor(
    row: Row,
    script: Script,
    { leavesPlain = true, watch }: { leavesPlain?: boolean; watch?: Watch } = {},
  ) {
    this.client = new Client(row.tunnel(script.target, watch), leavesPlain);
    this.farEnd = row.farEnd();
    this.#script = script;
    this.#unsaid = [...script.up];
    this.#missing = script.up.reduce((sum, { length }) => sum + length, 0);
    this.#toFarEnd(this.client.begin());
    this.#speak();
  }

  get outcome(): Outcome {
    const { target } = this.farEnd;
    return {
      target: target && formatTarget(target),
      up: Buffer.concat(this.#atTarget),
      down: Buffer.concat(this.#atClient),
    };
  }

  /** How many bytes of the far end the client has got. */
  get delivered(): number {
    return this.#delivered.reduce((sum, { length }) => sum + length, 0);
  }

  /** These bytes. */
  get wire(): Uint8Array {
    return Buffer.concat(this.#delivered);
  }

  /**
   * Gives the client what the far end says, until nobody has anything more to say.
   * @param cuts offsets in all that the far end says, where a piece ends; sorted, any may repeat
   * @param end no byte beyond this offset is given
   * @throws what the tunnel throws
   */
  run(cuts: Iterable<number> = [], end: number = Number.POSITIVE_INFINITY): this {
    for (const cut of cuts) this.#deliverTo(Math.min(cut, end));
    this.#deliverTo(end);
    return this;
  }

  /** Both ends have ended their directions in order. */
  finish(): void {
    this.client.receiveEnd();
    this.farEnd.takeEnd();
    this.dispose();
  }

  dispose(): void {
    this.client.dispose();
    this.farEnd.dispose();
  }

  /** The next bytes of the far end, whatever they are. */
  deliver(wire: Uint8Array): void {
    this.#delivered.push(wire);
    try {
      this.#toFarEnd(this.client.receive(wire));
    } finally {
      this.#atClient.push(this.client.takeReceived());
    }
    this.#speak();
  }

  #deliverTo(offset: number): void {
    while (this.#underway.length > 0 && this.delivered < offset) {
      const piece = this.#underway.subarray(0, offset - this.delivered);
      this.#underway = this.#underway.subarray(piece.length);
      this.deliver(piece);
    }
  }

  #speak(): void {
    if (!this.client.isOpen) return;
    this.openAt ??= this.delivered;
    for (let next = this.#unsaid.shift(); next; next = this.#unsaid.shift())
      this.#toFarEnd(this.client.send(next));
  }

  #toFarEnd(wire: Uint8Array): void {
    if (wire.length === 0) return;
    const { answer, plain } = this.farEnd.take(wire);
    this.#atTarget.push(plain);
    this.#missing -= plain.length;
    this.#say(answer);
    if (!this.farEnd.target) return;
    if (!this.#hasGreeted) {
      this.#hasGreeted = true;
      if (this.#script.banner.length > 0) this.#say(this.farEnd.send(this.#script.banner));
    }
    if (this.#missing === 0 && !this.#hasAnswered) {
      this.#hasAnswered = true;
      if (this.#script.down.length > 0) this.#say(this.farEnd.send(this.#script.down));
    }
  }

  #say(wire: Uint8Array): void {
    this.#underway = Buffer.concat([this.#underway, wire]);
  }
}
