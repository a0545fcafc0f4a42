import type { BatchApplier } from './batch-applier.js';
import { EventInbox } from './event-inbox.js';
import type { LogBatch, LogPosition } from './event-store.js';
import type { EventDecoder } from './parked.js';

/**
 * One transaction. The larger it is, the more of an order's life folds into one write: CPU per event of the import is
 * 33 us in batches of 4,000, 22 us of 8,000, 21.5 us of 16,000 (2026-11-22, PostgreSQL and node together).
 */
export const BATCH_MAX_EVENTS = 8_000;
export const BATCH_MAX_BYTES = 16 * 1024 * 1024;
/** Decoded and waiting while a transaction runs. */
const INBOX_MAX_EVENTS = 16_000;
const INBOX_MAX_BYTES = 32 * 1024 * 1024;

export interface AppliedBatch {
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
  /** From when the last event was recorded to when it could be read; 0 for a batch without events. */
  readonly lagSeconds: number;
  readonly position: LogPosition;
  readonly caughtUp: boolean;
}

/** Moves batches from the log into the tables until `open`'s source ends. Whatever fails on either side ends both. */
export const pump = async (
  open: (stop: AbortSignal) => AsyncIterable<LogBatch>,
  inbox: EventInbox,
  applier: BatchApplier,
  onBatch: (batch: AppliedBatch) => void,
): Promise<void> => {
  const stop = new AbortController();
  const reading = (async () => {
    try {
      for await (const batch of open(stop.signal)) {
        await inbox.add(batch);
        if (inbox.ended) return;
      }
      inbox.end();
    } catch (error) {
      inbox.end(error);
    }
  })();
  try {
    for (;;) {
      const batch = await inbox.take(BATCH_MAX_EVENTS, BATCH_MAX_BYTES);
      if (batch === undefined) return;
      const startedAt = performance.now();
      await applier.apply(batch);
      const last = batch.events.at(-1);
      onBatch({
        events: batch.events.length,
        bytes: batch.bytes,
        seconds: (performance.now() - startedAt) / 1_000,
        lagSeconds:
          last === undefined ? 0 : Math.max(0, Date.now() - last.stored.recordedAt.getTime()) / 1_000,
        position: batch.position,
        caughtUp: batch.caughtUp,
      });
    }
  } finally {
    stop.abort();
    inbox.abandon();
    await reading;
  }
};

export const newInbox = (codec: EventDecoder): EventInbox =>
  new EventInbox(codec, { maxEvents: INBOX_MAX_EVENTS, maxBytes: INBOX_MAX_BYTES });
