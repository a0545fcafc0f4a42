import type {
  ChangeEvent,
  OrderChangeConfirmed,
  OrderChangeProposed,
} from '../domain/order-change-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';

interface By {
  readonly by: string;
  readonly at: string;
  readonly position: bigint;
}

/** A change of an order: what was proposed, and what became of it. */
export interface FoldedChange {
  readonly orderId: string;
  readonly proposed: OrderChangeProposed['data'];
  readonly put: By;
  confirmed: OrderChangeConfirmed['data'] | undefined;
  declined: string | undefined;
  resolved: By | undefined;
}

const byOf = ({ metadata, position }: RecordedEvent): By => ({
  by: metadata.actor,
  at: metadata.effectiveAt,
  position: position.commit,
});

/** Changes that are resolved without having been proposed are left out: the table has no row for them either. */
export const foldChange = (
  changes: Map<string, FoldedChange>,
  recorded: RecordedEvent,
  event: ChangeEvent,
): void => {
  if (event.type === 'OrderChangeProposed') {
    changes.set(event.data.changeId, {
      orderId: recorded.streamId,
      proposed: event.data,
      put: byOf(recorded),
      confirmed: undefined,
      declined: undefined,
      resolved: undefined,
    });
    return;
  }
  const change = changes.get(event.data.changeId);
  if (change === undefined) return;
  change.resolved = byOf(recorded);
  if (event.type === 'OrderChangeConfirmed') change.confirmed = event.data;
  else change.declined = event.data.reason;
};
