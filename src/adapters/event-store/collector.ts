import { setImmediate as nextTurn } from 'node:timers/promises';

/** Something to wait for with a time limit; a wake that comes while nobody waits is kept. */
export class Bell {
  #ring: (() => void) | undefined;
  #rung = false;

  ring(): void {
    this.#rung = true;
    this.#ring?.();
  }

  /** True when it rang, false after `ms`. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#ring = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#ring = undefined;
    }
    const rang = this.#rung;
    this.#rung = false;
    return rang;
  }
}

/** The part of a stream that is used; the client's types come from another version of Node's. */
interface Source {
  on(event: 'data', listener: (chunk: unknown) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
  isPaused(): boolean;
}

export interface Collecting<Item> {
  readonly batchItems: number;
  /** A batch that is not full may wait so long for more; 0 for "what one turn of the event loop brings". */
  readonly lingerMs: number;
  /** Nothing for so long, while somebody waits: broken. */
  readonly silentMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Ends the call at the server; it does not end by itself when nobody reads on. */
  cancel(): Promise<void>;
  /** What a chunk of the stream is worth; undefined to skip it. */
  map(chunk: unknown): Item | undefined;
}

/**
 * Reads an object stream of the client in arrays: one promise per batch instead of one per event. Holds at most two batches
 * and stops the stream when they are full. Throws what the stream fails with.
 */
export async function* collect<Item>(source: Source, how: Collecting<Item>): AsyncGenerator<Item[]> {
  const { batchItems, lingerMs, silentMs, signal } = how;
  const bell = new Bell();
  let items: Item[] = [];
  let heard = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  source.on('data', (chunk: unknown) => {
    heard += 1;
    const item = how.map(chunk);
    if (item !== undefined) items.push(item);
    if (items.length === 1 || items.length >= batchItems) bell.ring();
    if (items.length >= 2 * batchItems) source.pause();
  });
  // Stays on for ever: the client may still emit after a cancel, and an error nobody listens to ends the process.
  source.on('error', (error: unknown) => {
    failure ??= { error };
    bell.ring();
  });
  source.on('end', () => {
    ended = true;
    bell.ring();
  });
  source.on('close', () => {
    ended = true;
    bell.ring();
  });
  const onAbort = (): void => bell.ring();
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      const before = heard;
      while (items.length === 0 && !ended && failure === undefined && signal?.aborted !== true) {
        if (await bell.wait(silentMs)) continue;
        // After a long turn of the event loop the timer comes first, although answers wait in the socket.
        await nextTurn();
        await nextTurn();
        if (heard === before && !ended && failure === undefined)
          throw new Error(`nothing heard for ${silentMs} ms`);
      }
      if (lingerMs === 0) {
        await nextTurn();
      } else {
        const due = performance.now() + lingerMs;
        while (items.length < batchItems && !ended && failure === undefined && signal?.aborted !== true) {
          const left = due - performance.now();
          if (left <= 0) break;
          await bell.wait(left);
        }
      }
      if (signal?.aborted === true) return;
      if (items.length > 0) {
        const batch = items.length <= batchItems ? items : items.slice(0, batchItems);
        items = items.length <= batchItems ? [] : items.slice(batchItems);
        if (source.isPaused() && items.length < batchItems) source.resume();
        yield batch;
        continue;
      }
      if (failure !== undefined) throw failure.error;
      if (ended) return;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (!ended) {
      items = [];
      source.resume();
      await how.cancel().catch(() => undefined);
    }
  }
}
