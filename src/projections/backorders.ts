import type { LackingUnits, OrderEvent } from '../domain/order-events.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { isOf } from './event-of.js';

/**
 * Units of open orders that nothing holds, by SKU: what waits for stock, or was sold without any. A row goes with its last unit, so the
 * table holds what is lacking and nothing else. Orders that lack nothing are never looked up.
 */
const create = `
CREATE TABLE backorders (
  order_id text COLLATE "C" NOT NULL,
  sku      text COLLATE "C" NOT NULL,
  quantity bigint NOT NULL,
  -- Why the last location refused.
  code     text COLLATE "C" NOT NULL,
  -- Locations that may deliver it.
  asked    text[] NOT NULL,
  since    timestamptz NOT NULL,
  -- Of the event that it is lacking since.
  position bigint NOT NULL,
  -- Not from the log: when somebody last tried to hold it.
  tried_at timestamptz,
  PRIMARY KEY (order_id, sku)
);
CREATE INDEX backorders_by_sku ON backorders (sku);
`;

const INSERT = `
INSERT INTO backorders (order_id, sku, quantity, code, asked, since, position)
SELECT c1, c2, c3, c4, c5::text[], c6, c7
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[]) AS row
  (c1, c2, c3, c4, c5, c6, c7)`;

interface Lacking {
  quantity: number;
  readonly code: string;
  asked: readonly string[];
  readonly since: string;
  readonly position: bigint;
}
/** By SKU. */
type LackingOf = Map<string, Lacking>;

/** Units without a place: goods that were sold without being held. */
const unheld = (event: OrderEvent & { type: 'OrderShipped' }) =>
  event.data.lines.filter(({ kind, location }) => kind === 'goods' && location === undefined);

/** Whether an event says anything of what an order lacks. */
const concerns = (event: OrderEvent): boolean => {
  switch (event.type) {
    case 'OrderReserved':
    case 'OrderLinesCancelled':
      return event.data.short !== undefined;
    case 'OrderChangeConfirmed':
      return event.data.lacking.length > 0 || event.data.short.length > 0;
    case 'OrderShipped':
      return unheld(event).length > 0;
    case 'OrderAllocated':
    case 'OrderSourcesExtended':
    case 'OrderExpired':
      return true;
    default:
      return false;
  }
};

const take = (
  lacking: LackingOf,
  units: readonly { readonly sku: string; readonly quantity: number }[],
): void => {
  for (const { sku, quantity } of units) {
    const one = lacking.get(sku);
    if (one === undefined) continue;
    one.quantity -= quantity;
    if (one.quantity <= 0) lacking.delete(sku);
  }
};

const add = (lacking: LackingOf, units: readonly LackingUnits[], since: string, position: bigint): void => {
  for (const { sku, quantity, code, asked } of units) {
    const one = lacking.get(sku);
    if (one === undefined) lacking.set(sku, { quantity, code, asked, since, position });
    else one.quantity += quantity;
  }
};

const fold = (lacking: LackingOf, event: OrderEvent, since: string, position: bigint): void => {
  switch (event.type) {
    case 'OrderReserved':
      add(lacking, event.data.short ?? [], since, position);
      break;
    case 'OrderChangeConfirmed':
      take(lacking, event.data.short);
      add(lacking, event.data.lacking, since, position);
      break;
    case 'OrderSourcesExtended':
      for (const one of lacking.values()) one.asked = [...one.asked, ...event.data.locations];
      break;
    case 'OrderAllocated':
      take(lacking, event.data.allocations);
      break;
    case 'OrderLinesCancelled':
      take(lacking, event.data.short ?? []);
      break;
    case 'OrderShipped':
      take(lacking, unheld(event));
      break;
    case 'OrderExpired':
      lacking.clear();
      break;
    default:
      break;
  }
};

interface Row {
  readonly order_id: string;
  readonly sku: string;
  readonly quantity: bigint;
  readonly code: string;
  readonly asked: readonly string[];
  readonly since: string;
  readonly position: bigint;
}

const load = async (touched: Map<string, LackingOf>, tx: Queryable): Promise<number> => {
  const { rows } = await tx.query<Row>(
    // Times to the microsecond, as they were written.
    `SELECT order_id, sku, quantity, code, asked, position,
       to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since
     FROM backorders WHERE order_id = ANY($1::text[])`,
    [texts([...touched.keys()])],
    'backorders.load',
  );
  for (const { order_id, sku, quantity, ...row } of rows) {
    touched.get(order_id)?.set(sku, { ...row, quantity: Number(quantity) });
  }
  return rows.length;
};

export const backorders: Projection = {
  name: 'backorders',
  version: 1,
  categories: ['order'],
  tables: ['backorders'],
  create,
  async apply(events: readonly RecordedEvent[], tx: Queryable) {
    const touched = new Map<string, LackingOf>();
    for (const recorded of events) {
      if (isOf(recorded, 'order') && concerns(recorded.event)) touched.set(recorded.streamId, new Map());
    }
    if (touched.size === 0) return;
    const before = await load(touched, tx);
    for (const recorded of events) {
      if (!isOf(recorded, 'order')) continue;
      const lacking = touched.get(recorded.streamId);
      if (lacking === undefined) continue;
      fold(lacking, recorded.event, recorded.metadata.effectiveAt, recorded.position.commit);
    }
    if (before > 0) {
      await tx.query(
        'DELETE FROM backorders WHERE order_id = ANY($1::text[])',
        [texts([...touched.keys()])],
        'backorders.delete',
      );
    }
    const rows = [...touched].flatMap(([orderId, lacking]) =>
      [...lacking].map(([sku, one]) => ({ orderId, sku, ...one })),
    );
    if (rows.length === 0) return;
    await tx.query(
      INSERT,
      [
        texts(rows.map(({ orderId }) => orderId)),
        texts(rows.map(({ sku }) => sku)),
        numbers(rows.map(({ quantity }) => quantity)),
        texts(rows.map(({ code }) => code)),
        texts(rows.map(({ asked }) => texts(asked))),
        texts(rows.map(({ since }) => since)),
        numbers(rows.map(({ position }) => position)),
      ],
      'backorders.insert',
    );
  },
};
