import type { Wrong } from './holders.js';
import { count, type Data, rows, text } from './raw-log.js';

export interface OrderedLine {
  readonly sku: string;
  readonly kind: string;
  readonly quantity: number;
  shipped: number;
  cancelled: number;
  returned: number;
}

/** What an order was given of one stock in one round. */
export interface Allocated {
  readonly round: number;
  readonly sku: string;
  readonly stock: string;
  readonly quantity: number;
  released: number;
}

/** The units of an order, and where they are. */
export interface Units {
  readonly lines: Map<string, OrderedLine>;
  readonly allocations: Allocated[];
  /** Units that left, by stock. */
  readonly shippedFrom: Map<string, number>;
}

export const newLine = ({ sku, kind, quantity }: Data): OrderedLine => ({
  sku: text(sku),
  kind: text(kind),
  quantity: count(quantity),
  shipped: 0,
  cancelled: 0,
  returned: 0,
});

export const openUnits = ({ quantity, shipped, cancelled }: OrderedLine): number =>
  quantity - shipped - cancelled;

export const add = (map: Map<string, number>, key: string, units: number): void => {
  map.set(key, (map.get(key) ?? 0) + units);
};

export const allocate = (order: Units, round: number, allocations: unknown): void => {
  for (const { sku, location, quantity } of rows(allocations)) {
    const stock = `stock-${text(location)}~${text(sku)}`;
    order.allocations.push({ round, sku: text(sku), stock, quantity: count(quantity), released: 0 });
  }
};

/** Units let go of; where the event names no holds, each SKU has one. */
export const release = (order: Units, { released, short, lines }: Data): void => {
  for (const { round, sku, location, quantity } of rows(released)) {
    const stock = `stock-${text(location)}~${text(sku)}`;
    const one = order.allocations.find((all) => all.round === round && all.stock === stock);
    if (one !== undefined) one.released += count(quantity);
  }
  if (released !== undefined || short !== undefined) return;
  for (const { lineId, quantity } of rows(lines)) {
    const line = order.lines.get(text(lineId));
    const one = order.allocations.find(({ sku }) => line?.kind === 'goods' && sku === line.sku);
    if (one !== undefined) one.released += count(quantity);
  }
};

export const countUnits = (
  order: Units,
  counter: 'shipped' | 'cancelled' | 'returned',
  lines: unknown,
  wrong: Wrong,
): void => {
  for (const { lineId, quantity } of rows(lines)) {
    const line = order.lines.get(text(lineId));
    if (line === undefined) {
      wrong('unknown_line', text(lineId));
      continue;
    }
    line[counter] += count(quantity);
    if (openUnits(line) < 0) wrong('more_than_ordered', text(lineId));
    if (line.returned > line.shipped) wrong('more_than_shipped', text(lineId));
  }
};

/** Stock and units of what moves goods; what was sold without being held has no stock. */
export const goodsIn = (lines: unknown): (readonly [stock: string, units: number])[] =>
  rows(lines).flatMap(({ location, sku, quantity }) =>
    location === undefined ? [] : [[`stock-${text(location)}~${text(sku)}`, count(quantity)] as const],
  );
