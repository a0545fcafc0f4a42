import { z } from 'zod';
import { PAGE_DEFAULT_ROWS } from '../projections/cursor.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { positionToken } from './position-token.js';
import { Problem } from './problems.js';
import { pageQuery } from './schemas.js';

/** An event of a stream as it is shown: the fact, and who, when and why beside it. */
export const eventView = z
  .object({
    revision: z.int(),
    position: z.string(),
    type: z.string(),
    data: z.record(z.string(), z.unknown()),
    effectiveAt: z.iso.datetime().meta({ description: 'When it happened in the world.' }),
    recordedAt: z.iso.datetime(),
    actor: z.string(),
    commandId: z.string(),
    correlationId: z.string(),
    causationId: z.string(),
  })
  .meta({ id: 'Event' });

export const eventQuery = z.strictObject(pageQuery);

const viewOf = ({ event, revision, position, recordedAt, metadata }: RecordedEvent) => ({
  revision,
  position: positionToken(position),
  type: event.type,
  data: event.data,
  effectiveAt: metadata.effectiveAt,
  recordedAt: recordedAt.toISOString(),
  actor: metadata.actor,
  commandId: metadata.commandId,
  correlationId: metadata.$correlationId,
  causationId: metadata.$causationId,
});

/** One page of a stream from its start, of the events that `shows` lets be seen. `total` is how many were read, seen or not. */
export const eventPage = async (
  history: AsyncIterable<RecordedEvent>,
  { cursor, limit = PAGE_DEFAULT_ROWS }: z.output<typeof eventQuery>,
  shows: (recorded: RecordedEvent) => boolean,
): Promise<{ page: { items: ReturnType<typeof viewOf>[]; nextCursor: string | null }; total: number }> => {
  if (cursor !== undefined && !/^\d{1,9}$/.test(cursor)) {
    throw new Problem('invalid_cursor', 'the cursor is not one of this list');
  }
  const from = Number(cursor ?? 0);
  const items: ReturnType<typeof viewOf>[] = [];
  let total = 0;
  for await (const recorded of history) {
    total += 1;
    if (recorded.revision < from || !shows(recorded)) continue;
    if (items.length === limit) {
      return { page: { items, nextCursor: String(recorded.revision) }, total };
    }
    items.push(viewOf(recorded));
  }
  return { page: { items, nextCursor: null }, total };
};
