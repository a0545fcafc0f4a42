import type { Cell, TableCheck } from './compare.js';
import type { FoldedLine, FoldedOrder, LogFold, Place } from './fold.js';

/** What the rows of each read model must be, computed from the fold. Times are compared in milliseconds. */
const text = (value: unknown): Cell => (value === undefined || value === null ? null : String(value));
const millis = (instant: unknown): Cell => (typeof instant === 'string' ? String(Date.parse(instant)) : null);
const placeCells = ({ revision, position, effectiveAt, recordedAt }: Place): Cell[] => [
  String(revision),
  String(position),
  millis(effectiveAt),
  String(recordedAt.getTime()),
];

const PLACE = ['revision', 'position', 'effective_at', 'recorded_at'] as const;
const TIMES = new Set(['placed_at', 'expires_at', 'confirmed_at', 'effective_at', 'recorded_at']);

/** Every column as text, times as milliseconds since 1970. */
export const selectOf = (columns: readonly string[]): string =>
  columns
    .map((name) =>
      TIMES.has(name) ? `round(extract(epoch FROM ${name}) * 1000)::bigint::text` : `${name}::text`,
    )
    .join(', ');

const define = (
  table: string,
  keyColumns: readonly string[],
  columns: readonly string[],
  expected: TableCheck['expected'],
  keys: TableCheck['keys'],
): TableCheck => ({
  table,
  keyColumns,
  columns,
  select: selectOf([...keyColumns, ...columns]),
  expected,
  keys,
});

const ORDER_COLUMNS = [
  'channel',
  'external_id',
  'status',
  'customer_id',
  'currency',
  'placed_at',
  'expires_at',
  'confirmed_at',
  'confirm',
  'line_count',
  'goods_total',
  'charge_total',
  'voucher_total',
  'discount_total',
  'tax_total',
  'total',
  'shipped_total',
  'returned_total',
  'allowance_total',
  'units',
  'shipped_units',
  'cancelled_units',
  'returned_units',
  'rejection_code',
  'rejection_detail',
  'rejection_sku',
  ...PLACE,
];

const orderCells = (order: FoldedOrder): Cell[] => {
  const { lines, header, rejection } = order;
  const money = (of: (line: FoldedLine) => bigint): bigint => lines.reduce((sum, line) => sum + of(line), 0n);
  const units = (of: (line: FoldedLine) => number): Cell =>
    String(lines.reduce((sum, line) => sum + of(line), 0));
  const kind = (name: string): bigint => money((line) => (line.kind === name ? line.amount : 0n));
  const [amount, discount, tax] = [money((l) => l.amount), money((l) => l.discount), money((l) => l.tax)];
  return [
    order.channel,
    text(header.externalId),
    order.status,
    text(header.customerId),
    order.currency,
    millis(order.placedAt),
    millis(header.expiresAt),
    millis(order.confirmedAt),
    text(header.confirm),
    String(lines.length),
    ...[kind('goods'), kind('charge'), kind('voucher'), discount, tax, amount - discount + tax].map(String),
    ...[order.charged, order.credited, order.allowance].map(String),
    units((line) => line.quantity),
    units((line) => line.shipped),
    units((line) => line.cancelled),
    units((line) => line.returned),
    text(rejection.code),
    text(rejection.detail),
    text(rejection.sku),
    ...placeCells(order.last),
  ];
};

const orders = (fold: LogFold): TableCheck =>
  define(
    'orders',
    ['order_id'],
    ORDER_COLUMNS,
    ([id = '']) => {
      const order = fold.orders.get(id);
      return order && orderCells(order);
    },
    function* () {
      for (const id of fold.orders.keys()) yield [id];
    },
  );

const LINE_COLUMNS = [
  'line_no',
  'kind',
  'sku',
  'account',
  'location',
  'currency',
  'quantity',
  'trim_scale(unit_price)',
  'amount',
  'discount',
  'tax',
  'shipped',
  'cancelled',
  'returned',
];

const trimmed = (decimal: string): string =>
  decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;

const lineCells = (line: FoldedLine, index: number, currency: string): Cell[] => [
  String(index),
  line.kind,
  line.sku,
  line.account,
  line.location,
  currency,
  String(line.quantity),
  trimmed(line.unitPrice),
  ...[line.amount, line.discount, line.tax].map(String),
  ...[line.shipped, line.cancelled, line.returned].map(String),
];

const orderLines = (fold: LogFold): TableCheck =>
  define(
    'order_lines',
    ['order_id', 'line_id'],
    LINE_COLUMNS,
    ([id = '', lineId = '']) => {
      const order = fold.orders.get(id);
      const index = order?.lines.findIndex((line) => line.lineId === lineId) ?? -1;
      const line = order?.lines[index];
      return order && line && lineCells(line, index, order.currency);
    },
    function* () {
      for (const [id, { lines }] of fold.orders) for (const { lineId } of lines) yield [id, lineId];
    },
  );

const stockId = (location: string, sku: string): string =>
  [location, sku].map((part) => encodeURIComponent(part).replaceAll('~', '%7E')).join('~');

const stockLevels = (fold: LogFold): TableCheck =>
  define(
    'stock_levels',
    ['location', 'sku'],
    ['on_hand', 'held', 'available', ...PLACE],
    ([location = '', sku = '']) => {
      const stock = fold.stock.get(stockId(location, sku));
      if (stock === undefined) return undefined;
      const { onHand, held } = stock;
      return [String(onHand), String(held), String(onHand - held), ...placeCells(stock.last)];
    },
    function* () {
      for (const id of fold.stock.keys()) yield id.split('~').map(decodeURIComponent);
    },
  );

export const tableChecks = (fold: LogFold): TableCheck[] => [
  orders(fold),
  orderLines(fold),
  stockLevels(fold),
];
