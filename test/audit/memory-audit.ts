import { type AuditReport, runAudit } from '../../src/audit/audit.js';
import type { Database } from '../../src/runtime/database.js';
import type { LogBatch, RecordedEvent, StoredEvent } from '../../src/runtime/event-store.js';

const BATCH_EVENTS = 7;

/** An audit of recorded events kept in memory, up to the last of them, against tables that are real. */
export const auditOf = async (
  db: Database,
  events: readonly RecordedEvent[],
  upTo = events.length,
): Promise<AuditReport> => {
  const stored = new Map<StoredEvent, RecordedEvent>();
  const log = events.map((recorded): StoredEvent => {
    const { event, id, stream, revision, position, recordedAt, metadata } = recorded;
    const one = {
      id,
      type: event.type,
      data: event.data,
      metadata: { ...metadata },
      stream,
      revision,
      position,
      recordedAt,
    };
    stored.set(one, recorded);
    return one;
  });
  const last = events[upTo - 1]?.position ?? { commit: 0n, prepare: 0n };
  await db.query(`DELETE FROM runtime.checkpoints WHERE name = 'live'`);
  await db.query(
    `INSERT INTO runtime.checkpoints (name, epoch, commit_position, prepare_position, event_commit, event_prepare)
     VALUES ('live', 1, $1, $2, $1, $2)`,
    [last.commit, last.prepare],
  );
  return runAudit({
    db,
    store: {
      async *readAll(): AsyncGenerator<LogBatch> {
        for (let from = 0; from < log.length; from += BATCH_EVENTS) {
          const batch = log.slice(from, from + BATCH_EVENTS);
          yield { events: batch, position: batch.at(-1)?.position ?? last, caughtUp: false };
        }
      },
    },
    codec: {
      decode: (one) => {
        const recorded = stored.get(one);
        if (recorded === undefined) throw new Error('not of this log');
        return recorded;
      },
    },
  });
};
