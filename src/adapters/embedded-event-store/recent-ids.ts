/** Ids kept in each of the two generations: an append is recognised again among at least this many later events. */
export const RECENT_IDS_MAX = 50_000;

/** Where an event with a recent id is. */
export interface RecentEvent {
  readonly streamName: string;
  readonly revision: number;
  readonly position: number;
}

/**
 * The newest event ids, for appends that name no revision: EventStoreDB promises to recognise those "best effort",
 * by a bounded cache too. Two generations make the bound cheap; the older is dropped whole.
 */
export class RecentIds {
  #young = new Map<string, RecentEvent>();
  #old = new Map<string, RecentEvent>();

  get(id: string): RecentEvent | undefined {
    return this.#young.get(id) ?? this.#old.get(id);
  }

  set(id: string, event: RecentEvent): void {
    if (this.#young.size >= RECENT_IDS_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(id, event);
  }

  /** Forgets events from `position` on: they were never stored. */
  forgetFrom(position: number): void {
    for (const generation of [this.#young, this.#old]) {
      for (const [id, event] of generation) if (event.position >= position) generation.delete(id);
    }
  }
}
