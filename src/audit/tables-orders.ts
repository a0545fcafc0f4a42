import { microsOf } from './calendar.js';
import { type Cell, decimals, instants, keyedCheck, lists, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedShort } from './fold-allocations.js';
import type { FoldedChange } from './fold-changes.js';
import type { FoldedReview } from './fold-reviews.js';
import type { FoldedLine, FoldedOrder } from './folded-order.js';
import { minorOf } from './money.js';
import type { Place } from './place.js';

/** As the log says it; PostgreSQL cannot hold NUL, so a table has U+FFFD for it. */
export const textCell = (value: string | number | bigint | undefined): Cell => {
  if (value === undefined) return null;
  const text = String(value);
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
};

export const instantCell = (instant: string | undefined): Cell =>
  instant === undefined ? null : microsOf(instant);

export const PLACE_COLUMNS = [...texts('revision', 'position'), ...instants('effective_at', 'recorded_at')];

export const placeCells = ({ revision, position, effectiveAt, recordedAtMs }: Place): Cell[] => [
  `${revision}`,
  `${position.commit}`,
  microsOf(effectiveAt),
  `${recordedAtMs * 1_000}`,
];

/** PostgreSQL has no year 0, so a table has nothing for a day of it. */
const dayCell = (day: string | undefined): Cell => (day?.slice(0, 4) === '0000' ? null : textCell(day));

const MONEY = [
  'goods_total',
  'charge_total',
  'voucher_total',
  'discount_total',
  'tax_total',
  'total',
  'shipped_total',
  'returned_total',
  'allowance_total',
];

const ORDER_COLUMNS = [
  ...texts('channel', 'external_id', 'status', 'customer_id', 'currency', 'country', 'region', 'postal_code'),
  ...instants('placed_at', 'expires_at', 'confirmed_at'),
  ...texts('confirm'),
  ...lists('coupons'),
  ...texts(
    'shortage',
    'handover',
    'priority',
    'priority_reason',
    'requested_from',
    'requested_to',
    'guest',
    'gift',
    'assisted_by',
    'exchanged_order_id',
    'exchange_id',
    'exchange_credit',
    'version',
  ),
  ...texts('line_count', ...MONEY, 'units', 'shipped_units', 'cancelled_units', 'returned_units'),
  ...texts('rejection_code', 'rejection_detail', 'rejection_sku'),
  ...PLACE_COLUMNS,
];

const orderCells = (order: FoldedOrder): Cell[] => {
  const { placed, rejection } = order;
  const sums = { goods: 0n, charge: 0n, voucher: 0n, discount: 0n, tax: 0n };
  const units = { all: 0, shipped: 0, cancelled: 0, returned: 0 };
  for (const line of order.lines.values()) {
    sums[line.kind] += line.amount;
    sums.discount += line.discount;
    sums.tax += line.tax;
    units.all += line.quantity;
    units.shipped += line.shipped;
    units.cancelled += line.cancelled;
    units.returned += line.returned;
  }
  const { goods, charge, voucher, discount, tax } = sums;
  const total = goods + charge + voucher - discount + tax;
  const money = [
    goods,
    charge,
    voucher,
    discount,
    tax,
    total,
    order.charged,
    order.credited,
    order.allowance,
  ];
  return [
    textCell(placed.channel),
    textCell(placed.externalId),
    order.status,
    textCell(placed.customerId),
    placed.currency,
    textCell(placed.destination?.country),
    textCell(placed.destination?.region),
    textCell(placed.destination?.postalCode),
    instantCell(placed.placedAt),
    instantCell(order.expiresAt),
    instantCell(order.confirmedAt),
    placed.confirm,
    textCell(JSON.stringify(placed.coupons)),
    placed.shortage ?? 'all-or-nothing',
    placed.handover ?? 'later',
    `${placed.priority?.level ?? 5}`,
    textCell(placed.priority?.reason),
    dayCell(placed.requestedDelivery?.from),
    dayCell(placed.requestedDelivery?.to),
    `${placed.guest ?? placed.customerId === undefined}`,
    `${placed.gift === true}`,
    textCell(placed.assistedBy),
    textCell(placed.exchangeOf?.orderId),
    textCell(placed.exchangeOf?.exchangeId),
    textCell(placed.exchangeOf && minorOf(placed.exchangeOf.credit, placed.currency)),
    `${order.version}`,
    `${order.lines.size}`,
    ...money.map(String),
    ...[units.all, units.shipped, units.cancelled, units.returned].map(String),
    textCell(rejection?.code),
    textCell(rejection?.detail),
    textCell(rejection?.sku),
    ...placeCells(order.last),
  ];
};

const orders = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedOrder>({
    table: 'orders',
    key: texts('order_id'),
    columns: ORDER_COLUMNS,
    all: () => all.values(),
    find: ([id = '']) => all.get(id),
    keyOf: ({ id }) => [id],
    cellsOf: orderCells,
  });

const LINE_COLUMNS = [
  ...texts('line_no', 'kind', 'sku', 'account', 'location', 'currency', 'quantity'),
  ...decimals('unit_price'),
  ...texts('amount', 'discount', 'tax', 'shipped', 'cancelled', 'returned', 'taxes'),
  ...lists('also_at'),
];

/** `1.500000` is `1.5`, `012` is `12`. */
const trimmed = (decimal: string): string => {
  const text = decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
  return text.replace(/^0+(?=\d)/, '');
};

function* linesOf(orders: Iterable<FoldedOrder>): Generator<FoldedLine> {
  for (const { lines } of orders) yield* lines.values();
}

const orderLines = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedLine>({
    table: 'order_lines',
    key: texts('order_id', 'line_id'),
    columns: LINE_COLUMNS,
    all: () => linesOf(all.values()),
    find: ([id = '', lineId = '']) => all.get(id)?.lines.get(lineId),
    keyOf: ({ order, lineId }) => [order.id, lineId],
    cellsOf: (line) => [
      `${line.index}`,
      line.kind,
      textCell(line.sku),
      textCell(line.account),
      textCell(line.location),
      line.order.placed.currency,
      `${line.quantity}`,
      trimmed(line.unitPrice),
      `${line.amount}`,
      `${line.discount}`,
      `${line.tax}`,
      `${line.shipped}`,
      `${line.cancelled}`,
      `${line.returned}`,
      textCell(line.taxes && JSON.stringify(line.taxes)),
      textCell(line.alsoAt && JSON.stringify(line.alsoAt)),
    ],
  });

const unitsLeft = ({ lines }: FoldedOrder): number => {
  let left = 0;
  for (const { quantity, cancelled } of lines.values()) left += quantity - cancelled;
  return left;
};

/** Orders that wait for their confirmation and have a deadline for it. Who follows one up is not in the log. */
const deadlines = ({ orders: { orders: all } }: LogFold): TableCheck => {
  const waits = ({ status, expiresAt }: FoldedOrder): boolean =>
    (status === 'placed' || status === 'reserved') && expiresAt !== undefined;
  return keyedCheck<FoldedOrder>({
    table: 'deadlines',
    key: texts('kind', 'order_id'),
    columns: [...instants('due_at'), ...texts('open_units')],
    all: () => [...all.values()].filter(waits),
    find: ([kind = '', id = '']) => {
      const order = all.get(id);
      return kind === 'order-expiry' && order !== undefined && waits(order) ? order : undefined;
    },
    keyOf: ({ id }) => ['order-expiry', id],
    cellsOf: (order) => [instantCell(order.expiresAt), `${unitsLeft(order)}`],
  });
};

function* reviewsOf(orders: Iterable<FoldedOrder>): Generator<FoldedReview> {
  for (const { reviews } of orders) if (reviews !== undefined) yield* reviews.all.values();
}

const reviews = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedReview>({
    table: 'reviews',
    key: texts('order_id', 'hold_id'),
    columns: [
      ...texts('channel', 'hold_type'),
      ...lists('blocks'),
      ...texts('role'),
      ...lists('lines'),
      ...texts('reason', 'rule_id', 'rule_version', 'held_by'),
      ...instants('held_at'),
      ...texts('outcome', 'resolution', 'resolved_by'),
      ...instants('resolved_at'),
      ...texts('position'),
    ],
    all: () => reviewsOf(all.values()),
    find: ([id = '', holdId = '']) => all.get(id)?.reviews?.all.get(holdId),
    keyOf: ({ orderId, data }) => [orderId, data.holdId],
    cellsOf: ({ orderId, data, put, resolution, resolved }) => [
      textCell(all.get(orderId)?.placed.channel),
      data.holdType,
      textCell(JSON.stringify(data.blocks)),
      data.role,
      textCell(data.lines && JSON.stringify(data.lines)),
      textCell(data.reason),
      textCell(data.rule?.id),
      textCell(data.rule?.version),
      textCell(put.by),
      instantCell(put.at),
      textCell(resolution?.outcome),
      textCell(resolution?.reason),
      textCell(resolved?.by),
      instantCell(resolved?.at),
      `${(resolved ?? put).position}`,
    ],
  });

function* shortOf(orders: Iterable<FoldedOrder>): Generator<FoldedShort> {
  for (const { allocations } of orders) yield* allocations.short.values();
}

const backorders = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedShort>({
    table: 'backorders',
    key: texts('order_id', 'sku'),
    columns: [...texts('quantity', 'code'), ...lists('asked'), ...instants('since'), ...texts('position')],
    all: () => shortOf(all.values()),
    find: ([id = '', sku = '']) => all.get(id)?.allocations.short.get(sku),
    keyOf: ({ orderId, sku }) => [orderId, sku],
    cellsOf: ({ quantity, code, asked, since, position }) => [
      `${quantity}`,
      code,
      textCell(JSON.stringify(asked)),
      instantCell(since),
      `${position}`,
    ],
  });

function* changesOf(orders: Iterable<FoldedOrder>): Generator<FoldedChange> {
  for (const { changes } of orders) if (changes !== undefined) yield* changes.values();
}

const orderChanges = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedChange>({
    table: 'order_changes',
    key: texts('order_id', 'change_id'),
    columns: [
      ...texts('channel', 'status', 'reason', 'actions', 'proposed_by'),
      ...instants('proposed_at'),
      ...texts('version', 'difference', 'currency', 'declined', 'resolved_by'),
      ...instants('resolved_at'),
      ...texts('position'),
    ],
    all: () => changesOf(all.values()),
    find: ([id = '', changeId = '']) => all.get(id)?.changes?.get(changeId),
    keyOf: ({ orderId, proposed }) => [orderId, proposed.changeId],
    cellsOf: ({ orderId, proposed, put, confirmed, declined, resolved }) => [
      textCell(all.get(orderId)?.placed.channel),
      confirmed !== undefined ? 'confirmed' : declined !== undefined ? 'declined' : 'proposed',
      textCell(proposed.reason),
      textCell(JSON.stringify(proposed.actions)),
      textCell(put.by),
      instantCell(put.at),
      textCell(confirmed?.version),
      textCell(confirmed?.difference),
      textCell(confirmed?.currency),
      textCell(declined),
      textCell(resolved?.by),
      instantCell(resolved?.at),
      `${(resolved ?? put).position}`,
    ],
  });

export const orderTables = (fold: LogFold): TableCheck[] => [
  orders(fold),
  orderLines(fold),
  backorders(fold),
  orderChanges(fold),
  deadlines(fold),
  reviews(fold),
];
