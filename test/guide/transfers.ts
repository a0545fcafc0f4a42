import { numbers, texts } from '../../src/projections/columns.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';
import type { Projection } from '../../src/runtime/projection.js';
import type { Requested, TransferEvent } from './transfer.js';

/** Every transfer and where it stands. */
const create = `
CREATE TABLE transfers (
  transfer_id   text COLLATE "C" PRIMARY KEY,
  from_location text NOT NULL,
  to_location   text NOT NULL,
  sku           text NOT NULL,
  quantity      bigint NOT NULL,
  status        text NOT NULL
)`;

const INSERT = `
INSERT INTO transfers
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])`;
const UPDATE = `
UPDATE transfers SET status = change.status
FROM unnest($1::text[], $2::text[]) AS change (id, status) WHERE transfer_id = change.id`;

const STATUS = {
  TransferRequested: 'requested',
  TransferDispatched: 'dispatched',
  TransferArrived: 'arrived',
  TransferRefused: 'refused',
} as const;

const isTransfer = (recorded: RecordedEvent): recorded is RecordedEvent<TransferEvent> =>
  recorded.category === 'transfer';

export const transfers: Projection = {
  name: 'transfers',
  version: 1,
  categories: ['transfer'],
  tables: ['transfers'],
  create,
  async apply(events, tx) {
    const requested = new Map<string, Requested>();
    const status = new Map<string, string>();
    for (const { streamId, event } of events.filter(isTransfer)) {
      if (event.type === 'TransferRequested') requested.set(streamId, event.data);
      status.set(streamId, STATUS[event.type]);
    }
    const isNew = (id: string): boolean => requested.has(id);
    const added = [...requested];
    const moved = [...status].filter(([id]) => !isNew(id));
    if (added.length > 0) {
      const columns = [
        texts(added.map(([id]) => id)),
        texts(added.map(([, { from }]) => from)),
        texts(added.map(([, { to }]) => to)),
        texts(added.map(([, { sku }]) => sku)),
        numbers(added.map(([, { quantity }]) => quantity)),
        texts(added.map(([id]) => status.get(id))),
      ];
      await tx.query(INSERT, columns, 'transfers.insert');
    }
    if (moved.length > 0)
      await tx.query(
        UPDATE,
        [texts(moved.map(([id]) => id)), texts(moved.map(([, now]) => now))],
        'transfers.update',
      );
  },
};
