/** Who wants to know when something was written: subscriptions, to everything or to one stream. */
export class Watchers {
  readonly #all = new Set<() => void>();
  readonly #streams = new Map<string, Set<() => void>>();

  /** Calls `listener` after every group that became durable; returns how to stop that. */
  onAll(listener: () => void): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  /** The same for appends to one stream. */
  onStream(name: string, listener: () => void): () => void {
    const listeners = this.#streams.get(name) ?? new Set();
    this.#streams.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#streams.get(name) === listeners) this.#streams.delete(name);
    };
  }

  /** Tells those who wait for everything, and those who wait for one of these streams. */
  announce(names: Iterable<string>): void {
    for (const listener of [...this.#all]) listener();
    if (this.#streams.size === 0) return;
    for (const name of names) {
      const listeners = this.#streams.get(name);
      if (listeners !== undefined) for (const listener of [...listeners]) listener();
    }
  }
}
