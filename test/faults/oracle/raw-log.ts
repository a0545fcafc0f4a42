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

/** Fields that tell facts of a type in one stream apart; of those without any a stream has one. */
const ID_FIELDS: Readonly<Record<string, readonly string[]>> = {
  LogCreated: [],
  StockReceived: ['receiptId'],
  StockReturned: ['returnId'],
  StockAdjusted: ['adjustmentId'],
  CouponIssued: [],
  EntryPosted: ['entryId'],
  OrderPlaced: [],
  OrderReserved: [],
  OrderAllocated: ['round'],
  OrderConfirmed: [],
  OrderRejected: [],
  OrderExpired: [],
  OrderCompleted: [],
  OrderShipped: ['shipmentId'],
  OrderLinesCancelled: ['cancellationId'],
  OrderSourcesExtended: ['locations'],
  OrderHeld: ['holdId'],
  OrderHoldResolved: ['holdId'],
  OrderChangeProposed: ['changeId'],
  OrderChangeConfirmed: ['changeId'],
  OrderChangeDeclined: ['changeId'],
  OrderSplit: ['splitId'],
  OrderSplitUndone: ['splitId'],
  OrderReturned: ['returnId'],
  OrderReturnRequested: ['returnId'],
  OrderReturnAuthorised: ['returnId'],
  OrderReturnRefused: ['returnId'],
  OrderReturnReceived: ['returnId'],
  OrderReturnInspected: ['returnId'],
  OrderAllowanceGranted: ['allowanceId'],
  OrderExchangeAgreed: ['exchangeId'],
  OrderExchangeSettled: ['exchangeId'],
  OrderExchangeEnded: ['exchangeId'],
  OrderPaymentStarted: ['paymentId'],
  OrderPaymentAuthorised: ['paymentId'],
  OrderPaymentFailed: ['paymentId'],
  OrderVoidRequested: ['paymentId'],
  OrderPaymentVoided: ['paymentId'],
  OrderCaptureRequested: ['paymentId', 'captureId'],
  OrderPaymentCaptured: ['paymentId', 'captureId'],
  OrderCaptureFailed: ['paymentId', 'captureId'],
  OrderRefundRequested: ['paymentId', 'refundId'],
  OrderPaymentRefunded: ['paymentId', 'refundId'],
  OrderRefundFailed: ['paymentId', 'refundId'],
  OrderPaymentChargedBack: ['paymentId', 'chargebackId'],
  ConsignmentPlanned: [],
  ConsignmentOrderShipped: ['orderId'],
  ConsignmentOrderDropped: ['orderId'],
  ConsignmentClosed: [],
};

/** What makes a fact of these types one that a stream has once; undefined for others. */
export const businessIdOf = (event: StoredEvent): string | undefined =>
  ID_FIELDS[event.type]?.map((field) => String(dataOf(event)[field])).join('/');

export const factOf = (stream: string, type: string, id: string): string => `${stream} ${type} ${id}`;

/** Minor units of an amount: of one currency all amounts have the same number of places. */
export const minorUnits = (amount: unknown): bigint => BigInt(text(amount).replace('.', '') || '0');
