import { amountOf } from '../domain/money.js';
import type { OrderEvent, OrderReturned } from '../domain/order-events.js';
import type { ReturnStatus } from '../domain/order-return-state.js';
import type { OrderReturnInspected } from '../domain/return-events.js';
import { splitId } from '../domain/stream-id.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import { isOf } from './event-of.js';

/** Units of a line, as each step of a return counted them. */
export interface ReturnLineRow {
  readonly lineId: string;
  readonly sku: string;
  requested: number;
  received: number;
  accepted: number;
  damaged: number;
  missing: number;
  refused: number;
}

/** A row of `returns`, by the names of its columns. Times as PostgreSQL reads them; amounts in minor units. */
export interface ReturnRow {
  readonly order_id: string;
  readonly return_id: string;
  readonly channel: string;
  state: ReturnStatus;
  readonly reason: string;
  instructions: string | null;
  refusal: string | null;
  location: string | null;
  note: string | null;
  requested_units: bigint;
  received_units: bigint;
  accepted_units: bigint;
  damaged_units: bigint;
  missing_units: bigint;
  refused_units: bigint;
  currency: string | null;
  credited: bigint | null;
  allowance: bigint | null;
  goodwill: string | null;
  lines: readonly ReturnLineRow[];
  readonly opened_by: string;
  readonly opened_at: string;
  authorised_at: string | null;
  received_at: string | null;
  inspected_at: string | null;
  credited_at: string | null;
  refused_at: string | null;
  position: bigint;
}

/** The return that an event is a step of; undefined for other events. */
export const returnOf = (recorded: RecordedEvent): string | undefined => {
  if (!isOf(recorded, 'order')) return undefined;
  const { event } = recorded;
  switch (event.type) {
    case 'OrderReturnRequested':
    case 'OrderReturnAuthorised':
    case 'OrderReturnRefused':
    case 'OrderReturnReceived':
    case 'OrderReturnInspected':
    case 'OrderReturned':
      return event.data.returnId;
    default:
      return undefined;
  }
};

const lineOf = (lineId: string, sku: string, requested: number): ReturnLineRow => ({
  lineId,
  sku,
  requested,
  received: 0,
  accepted: 0,
  damaged: 0,
  missing: 0,
  refused: 0,
});

const begin = (
  { streamId, metadata, position }: RecordedEvent,
  returnId: string,
  reason: string,
  lines: readonly ReturnLineRow[],
): ReturnRow => ({
  order_id: streamId,
  return_id: returnId,
  channel: splitId(streamId)[0] ?? '',
  state: 'requested',
  reason,
  instructions: null,
  refusal: null,
  location: null,
  note: null,
  requested_units: 0n,
  received_units: 0n,
  accepted_units: 0n,
  damaged_units: 0n,
  missing_units: 0n,
  refused_units: 0n,
  currency: null,
  credited: null,
  allowance: null,
  goodwill: null,
  lines,
  opened_by: metadata.actor,
  opened_at: metadata.effectiveAt,
  authorised_at: null,
  received_at: null,
  inspected_at: null,
  credited_at: null,
  refused_at: null,
  position: position.commit,
});

/** Sums of what the lines say. */
const count = (row: ReturnRow): void => {
  for (const name of ['requested', 'received', 'accepted', 'damaged', 'missing', 'refused'] as const) {
    row[`${name}_units`] = row.lines.reduce((sum, line) => sum + BigInt(line[name]), 0n);
  }
};

const inspect = (row: ReturnRow, { lines }: OrderReturnInspected['data']): void => {
  const byId = new Map(row.lines.map((line) => [line.lineId, line]));
  for (const { lineId, quantity, outcome } of lines) {
    const line = byId.get(lineId);
    if (line === undefined) continue;
    if (outcome === 'missing' || outcome === 'refused') line[outcome] += quantity;
    else line.accepted += quantity;
    if (outcome === 'damaged') line.damaged += quantity;
  }
  row.state = row.lines.some(({ accepted }) => accepted > 0) ? 'inspected' : 'closed';
};

const credit = (
  row: ReturnRow,
  { lines, currency, note, allowance, goodwill }: OrderReturned['data'],
): void => {
  row.currency = currency;
  row.note = note ?? null;
  row.goodwill = goodwill ?? null;
  row.allowance = amountOf(allowance, currency);
  row.credited = lines.reduce(
    (sum, { amount, discount, tax }) =>
      sum + amountOf(amount, currency) - amountOf(discount, currency) + amountOf(tax, currency),
    row.allowance,
  );
  row.state = 'credited';
};

/** A return without a request: all its steps are one. */
const direct = (recorded: RecordedEvent, { returnId, reason, lines }: OrderReturned['data']): ReturnRow => {
  // Units of one line may come back to several places.
  const byLine = new Map<string, ReturnLineRow>();
  for (const { lineId, sku, quantity } of lines) {
    const line = byLine.get(lineId) ?? lineOf(lineId, sku, 0);
    for (const name of ['requested', 'received', 'accepted'] as const) line[name] += quantity;
    byLine.set(lineId, line);
  }
  const units = [...byLine.values()];
  const row = begin(recorded, returnId, reason, units);
  row.location = lines.find(({ location }) => location !== undefined)?.location ?? null;
  return row;
};

const step = (row: ReturnRow, event: OrderEvent, at: string): void => {
  switch (event.type) {
    case 'OrderReturnAuthorised':
      row.state = 'authorised';
      row.instructions = event.data.note ?? null;
      row.authorised_at = at;
      break;
    case 'OrderReturnRefused':
      row.state = 'refused';
      row.refusal = event.data.reason;
      row.refused_at = at;
      break;
    case 'OrderReturnReceived': {
      const came = new Map(event.data.lines.map(({ lineId, quantity }) => [lineId, quantity]));
      for (const line of row.lines) line.received = came.get(line.lineId) ?? 0;
      row.state = 'received';
      row.location = event.data.location;
      row.received_at = at;
      break;
    }
    case 'OrderReturnInspected':
      inspect(row, event.data);
      row.inspected_at = at;
      break;
    case 'OrderReturned':
      credit(row, event.data);
      row.credited_at = at;
      break;
    default:
      break;
  }
};

/** The row after one more step. Throws where the steps before it are missing. */
export const foldReturn = (before: ReturnRow | undefined, recorded: RecordedEvent): ReturnRow => {
  const { metadata, position, streamId } = recorded;
  const event = recorded.event as OrderEvent;
  let row = before;
  if (event.type === 'OrderReturnRequested') {
    const { returnId, reason, lines } = event.data;
    const units = lines.map(({ lineId, sku, quantity }) => lineOf(lineId, sku, quantity));
    row = begin(recorded, returnId, reason, units);
  } else if (event.type === 'OrderReturned') row ??= direct(recorded, event.data);
  if (row === undefined) throw new Error(`order ${streamId}: ${event.type} of a return never requested`);
  step(row, event, metadata.effectiveAt);
  count(row);
  row.position = position.commit;
  return row;
};
