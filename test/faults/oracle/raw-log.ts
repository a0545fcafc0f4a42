import type { EventStore, StoredEvent } from '../../../src/runtime/event-store.js';

/**
 * The log as the oracle reads it: raw events, and no code of the house, not even its codec. (Tables and money are the audit's, which has
 * a fold of its own too.)
 */
const CATEGORIES = [
  'system',
  'channel',
  'location',
  'stock',
  'coupon',
  'order',
  'return',
  'consignment',
  'settlement',
];

export type Data = Readonly<Record<string, unknown>>;
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const count = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
export const rows = (value: unknown): readonly Data[] => (Array.isArray(value) ? (value as Data[]) : []);
export const dataOf = (event: StoredEvent): Data => event.data as Data;

export const readLog = async (store: EventStore): Promise<StoredEvent[]> => {
  const log: StoredEvent[] = [];
  for await (const { events } of store.readAll({ categories: CATEGORIES })) log.push(...events);
  return log;
};

const BUSINESS_IDS = [
  ['StockReceived', 'receiptId'],
  ['StockReturned', 'returnId'],
  ['StockAdjusted', 'adjustmentId'],
  ['OrderShipped', 'shipmentId'],
  ['OrderReturned', 'returnId'],
  ['OrderLinesCancelled', 'cancellationId'],
  ['EntryPosted', 'entryId'],
] as const;
const ID_FIELD = new Map<string, string>(BUSINESS_IDS);
/** Of these a stream has one. */
const ONCE = new Set([
  'LogCreated',
  'CouponIssued',
  'OrderPlaced',
  'OrderReserved',
  'OrderConfirmed',
  'OrderRejected',
  'OrderExpired',
  'OrderCompleted',
]);

/** What makes a fact of these types one that a stream has once; undefined for others. */
export const businessIdOf = (event: StoredEvent): string | undefined => {
  const field = ID_FIELD.get(event.type);
  if (field !== undefined) return text(dataOf(event)[field]);
  return ONCE.has(event.type) ? '' : undefined;
};

export const factOf = (stream: string, type: string, id: string): string => `${stream} ${type} ${id}`;
