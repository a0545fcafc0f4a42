import { EventStoreUnavailable } from '../../runtime/event-store.js';

/** A counting semaphore with a bounded queue, first come first served. */
export class Slots {
  #free: number;
  readonly #waiting: { readonly units: number; readonly admit: () => void }[] = [];

  constructor(
    private readonly name: string,
    private readonly total: number,
    private readonly waitersMax: number,
  ) {
    this.#free = total;
  }

  /** Takes `units` (at most all), waiting up to `timeoutMs`. Throws {@link EventStoreUnavailable} when it cannot. */
  async take(units: number, timeoutMs: number): Promise<number> {
    const wanted = Math.min(units, this.total);
    if (this.#waiting.length === 0 && this.#free >= wanted) {
      this.#free -= wanted;
      return wanted;
    }
    if (this.#waiting.length >= this.waitersMax) {
      throw new EventStoreUnavailable(`${this.waitersMax} ${this.name} wait already`);
    }
    await new Promise<void>((resolve, reject) => {
      const waiter = {
        units: wanted,
        admit: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new EventStoreUnavailable(`waited ${timeoutMs} ms among other ${this.name}`));
        this.#admit();
      }, timeoutMs);
      this.#waiting.push(waiter);
    });
    return wanted;
  }

  give(units: number): void {
    this.#free += units;
    this.#admit();
  }

  #admit(): void {
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined || first.units > this.#free) return;
      this.#waiting.shift();
      this.#free -= first.units;
      first.admit();
    }
  }
}
