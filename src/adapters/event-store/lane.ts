import type { EventStoreDBClient } from '@eventstore/db-client';
import { EventStoreUnavailable } from '../../runtime/event-store.js';
import { closeClient, guardStreams, openClient } from './guard.js';
import type { Trouble } from './limits.js';

const CLOSE_PATIENCE_MS = 1_000;

/** One use of a lane's client. Give it back exactly once. */
export interface Lease {
  readonly client: EventStoreDBClient;
  /** When an append on this client was last answered, by `performance.now()`. */
  heardAtMs(): number;
  /** Called when the append stream breaks while the lease is held. */
  onBroken(listener: (error: Error) => void): void;
  /** `suspect`: something went wrong that a new connection might cure. */
  giveBack(suspect: boolean): void;
}

interface Listening {
  onBroken: ((error: Error) => void) | undefined;
}

interface Generation {
  readonly client: EventStoreDBClient;
  readonly leases: Set<Listening>;
  heardAtMs: number;
  suspect: boolean;
  retired: boolean;
}

/**
 * A client and its successors. One client at a time is current; a suspect one is replaced, and closed once nothing uses it.
 * With `drain` (appends) nobody gets the next client before the last use of the suspect one has ended, because the client
 * keeps the promises of all its instances in one place and closing one rejects what is in flight on another.
 */
export class Lane {
  #current: Generation | undefined;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly connectionString: string,
    private readonly options: {
      readonly name: string;
      readonly drain: boolean;
      readonly onTrouble: (trouble: Trouble) => void;
    },
  ) {}

  async lease(): Promise<Lease> {
    while (this.#current?.suspect === true) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#closed) throw new EventStoreUnavailable('the event store client is closed');
    this.#current ??= this.#open();
    return this.#leaseOf(this.#current);
  }

  /** Refuses new leases; resolves when the current client is closed. Uses under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const current = this.#current;
    this.#current = undefined;
    this.#wake();
    if (current !== undefined) await closeClient(current.client, CLOSE_PATIENCE_MS);
  }

  #open(): Generation {
    const generation: Generation = {
      client: openClient(this.connectionString),
      leases: new Set(),
      heardAtMs: Number.NEGATIVE_INFINITY,
      suspect: false,
      retired: false,
    };
    guardStreams(generation.client, {
      onHeard: () => {
        generation.heardAtMs = performance.now();
      },
      onLateAnswer: (error) => this.options.onTrouble({ kind: 'late_answer', detail: String(error) }),
      onBroken: (error) => {
        const leases = [...generation.leases];
        this.#suspect(generation);
        for (const { onBroken } of leases) onBroken?.(error);
      },
    });
    return generation;
  }

  #leaseOf(generation: Generation): Lease {
    const listening: Listening = { onBroken: undefined };
    generation.leases.add(listening);
    return {
      client: generation.client,
      // No getter: V8 puts those of object literals into the old generation, with all that the lease refers to (docs/adr/0019).
      heardAtMs: () => generation.heardAtMs,
      onBroken: (listener) => {
        listening.onBroken = listener;
      },
      giveBack: (suspect) => {
        generation.leases.delete(listening);
        // The set's older tables may be kept for a while, with this in it (docs/adr/0019).
        listening.onBroken = undefined;
        if (suspect) this.#suspect(generation);
        this.#retire(generation);
      },
    };
  }

  #suspect(generation: Generation): void {
    if (generation.suspect || this.#closed) return;
    generation.suspect = true;
    if (!this.options.drain && this.#current === generation) this.#current = undefined;
    this.#retire(generation);
  }

  #retire(generation: Generation): void {
    if (!generation.suspect || generation.leases.size > 0 || generation.retired) return;
    generation.retired = true;
    if (this.#current === generation) this.#current = undefined;
    this.options.onTrouble({ kind: 'client_recycled', detail: this.options.name });
    void closeClient(generation.client, CLOSE_PATIENCE_MS);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
