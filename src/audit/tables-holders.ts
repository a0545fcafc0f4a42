import type { StockEvent } from '../domain/stock.js';
import { microsOf } from './calendar.js';
import { type Cell, instants, keyedCheck, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedCouponUse } from './fold-promises.js';
import type { FoldedCoupon, FoldedStock } from './fold-stock.js';
import { stockKey, stockParts } from './ids.js';
import type { LogOrderedTable } from './lockstep.js';
import type { OpenPromises } from './open-promises.js';
import { PLACE_COLUMNS, placeCells, textCell } from './tables-orders.js';

const stockLevels = ({ holders: { stock } }: LogFold): TableCheck =>
  keyedCheck<FoldedStock>({
    table: 'stock_levels',
    key: texts('location', 'sku'),
    columns: [...texts('on_hand', 'held', 'available'), ...PLACE_COLUMNS],
    all: () => stock.values(),
    find: ([location = '', sku = '']) => stock.get(stockKey(location, sku)),
    keyOf: ({ id }) => stockParts(id),
    cellsOf: ({ onHand, held, last }) => [`${onHand}`, `${held}`, `${onHand - held}`, ...placeCells(last)],
  });

const movementCells = ({
  type,
  data,
}: StockEvent): [kind: string, units: number, cause: string, reason: Cell] => {
  switch (type) {
    case 'StockReceived':
      return ['received', data.quantity, data.receiptId, textCell(data.reason)];
    case 'StockHeld':
      return ['held', data.quantity, data.holdId, null];
    case 'StockCaptured':
      return ['captured', data.quantity, data.holdId, null];
    case 'StockReleased':
      return ['released', data.quantity, data.holdId, textCell(data.reason)];
    case 'StockReturned':
      return ['returned', data.quantity, data.returnId, null];
    case 'StockAdjusted':
      return ['adjusted', data.delta, data.adjustmentId, textCell(data.reason)];
  }
};

/** Every event of every stock stream. */
export const stockMovements: LogOrderedTable = {
  table: 'stock_movements',
  key: texts('position', 'revision', 'sku'),
  columns: [
    ...texts('location', 'kind', 'quantity', 'cause_id', 'reason'),
    ...instants('effective_at', 'recorded_at'),
  ],
  order: 'position, revision, sku COLLATE "C"',
  category: 'stock',
  rowsOf: ({ event, streamId, position, revision, metadata, recordedAt }) => {
    const [location, sku] = stockParts(streamId);
    const [kind, units, cause, reason] = movementCells(event as StockEvent);
    return [
      [
        `${position.commit}`,
        `${revision}`,
        sku,
        location,
        kind,
        `${units}`,
        textCell(cause),
        reason,
        microsOf(metadata.effectiveAt),
        `${recordedAt.getTime() * 1_000}`,
      ],
    ];
  },
};

/** JSON as PostgreSQL writes `jsonb`: shorter keys first, then by bytes. */
export const jsonbText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(jsonbText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => {
      const [left, right] = [Buffer.from(a), Buffer.from(b)];
      return left.length - right.length || Buffer.compare(left, right);
    });
  return `{${entries.map(([name, one]) => `${JSON.stringify(name)}: ${jsonbText(one)}`).join(', ')}}`;
};

const coupons = ({ holders: { coupons: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedCoupon>({
    table: 'coupons',
    key: texts('code'),
    columns: [...texts('terms', 'usage_limit', 'held', 'redeemed', 'available'), ...PLACE_COLUMNS],
    all: () => all.values(),
    find: ([code = '']) => all.get(code),
    keyOf: ({ code }) => [code],
    cellsOf: ({ terms, held, redeemed, last }) => [
      jsonbText(terms),
      `${terms.limit}`,
      `${held}`,
      `${redeemed}`,
      `${terms.limit - held - redeemed}`,
      ...placeCells(last),
    ],
  });

function* usesOf({ promises: { owners } }: LogFold): Generator<FoldedCouponUse> {
  for (const { coupons: uses } of owners.values()) yield* uses.values();
}

const couponRedemptions = (fold: LogFold): TableCheck =>
  keyedCheck<FoldedCouponUse>({
    table: 'coupon_redemptions',
    key: texts('code', 'order_id'),
    columns: [...texts('status'), ...instants('effective_at', 'recorded_at')],
    all: () => usesOf(fold),
    find: ([code = '', owner = '']) => fold.promises.owners.get(owner)?.coupons.get(code),
    keyOf: ({ code, owner }) => [code, owner],
    cellsOf: ({ status, effectiveAt, recordedAtMs }) => [
      status,
      microsOf(effectiveAt),
      `${recordedAtMs * 1_000}`,
    ],
  });

/** `{"coupon TEN":1}`: units still held, by resource. */
const openText = (open: ReadonlyMap<string, number>): string =>
  JSON.stringify([...open].sort(([a], [b]) => (a < b ? -1 : 1)));

type JsonHold = readonly [resource: string, held: number, captured: number, released: number];

/** The same of what a row's ledger says. */
const openOfRow = (ledger: Cell): Cell => {
  try {
    const { stock, coupons: uses } = JSON.parse(ledger ?? '') as {
      stock: readonly JsonHold[];
      coupons: readonly JsonHold[];
    };
    const open = new Map<string, number>();
    const add = (kind: string, holds: readonly JsonHold[]): void => {
      for (const [id, held, captured, released] of holds) {
        if (held !== captured + released) open.set(`${kind} ${id}`, held - captured - released);
      }
    };
    add('stock', stock);
    add('coupon', uses);
    return openText(open);
  } catch {
    return ledger;
  }
};

const LEDGER_CELL = 3;

/** Promises that are not all kept. Of a row's ledger, the units that are open; when it was last followed up is not in the log. */
const holds = (open: ReadonlyMap<string, OpenPromises>): TableCheck =>
  keyedCheck<OpenPromises>({
    table: 'holds',
    key: texts('owner_id'),
    columns: [...texts('attention'), ...instants('recorded_at'), ...texts('ledger')],
    all: () => open.values(),
    find: ([id = '']) => open.get(id),
    keyOf: ({ owner }) => [owner.id],
    cellsOf: ({ owner, attention, open: units }) => [
      attention ?? null,
      `${owner.recordedAtMs * 1_000}`,
      openText(units),
    ],
    read: (cells) => cells.map((cell, index) => (index === LEDGER_CELL ? openOfRow(cell) : cell)),
  });

export const holderTables = (fold: LogFold, open: ReadonlyMap<string, OpenPromises>): TableCheck[] => [
  stockLevels(fold),
  coupons(fold),
  couponRedemptions(fold),
  holds(open),
];
