import { type Decision, isRejection, type Rejection, reject } from './decider.js';
import {
  type Drawn,
  goodsAmong,
  heldUnits,
  letGo,
  letGoFields,
  shortUnits,
  type UnitsByPlace,
} from './order-allocations.js';
import type { LineQuantity, OrderCommand } from './order-commands.js';
import type { OrderEvent, OrderPlaced } from './order-events.js';
import { cancelledApart, leftToShip, repeated, resolve, unitsOf } from './order-lines.js';
import { evolveOrder, type OrderLine, type OrderState, openUnits } from './order-state.js';
import { orderHeld, reviewsBlocking } from './review.js';
import { splitOfShipment } from './split.js';

export type Placed = OrderState & { readonly placed: OrderPlaced['data'] };

export const wrongStatus = (state: OrderState, wanted: string): Rejection =>
  reject('wrong_status', `the order is ${state.status}, not ${wanted}`, { status: state.status });

/** What moves money says at which rate it is settled: whoever posts it reads nothing else. */
export const settlementOf = ({ settlement }: OrderPlaced['data']): Pick<OrderPlaced['data'], 'settlement'> =>
  settlement === undefined ? {} : { settlement };

/** With the last open unit gone, an order that shipped anything is complete. */
export const andComplete = (state: OrderState, event: OrderEvent): OrderEvent[] => {
  const lines = [...evolveOrder(state, event).lines.values()];
  const done = lines.every((line) => openUnits(line) === 0) && lines.some((line) => line.shipped > 0);
  return done ? [event, { type: 'OrderCompleted', data: {} }] : [event];
};

export const decideCancel = (
  { cancellationId, reason, lines }: OrderCommand & { type: 'cancel' },
  state: Placed,
): Decision<OrderEvent> =>
  repeated(state, `cancellation:${cancellationId}`, lines) ??
  cancelUnits(state, cancellationId, reason, lines);

/** Cancels open units; all of them when no lines are named. */
export const cancelUnits = (
  state: Placed,
  cancellationId: string,
  reason: string,
  asked: readonly LineQuantity[] | undefined,
): Decision<OrderEvent> => {
  if (state.status !== 'reserved' && state.status !== 'confirmed')
    return wrongStatus(state, 'reserved or confirmed');
  const all = [...state.lines.values()].filter((line) => openUnits(line) > 0);
  const found =
    asked === undefined
      ? all.map((line) => ({ line, quantity: openUnits(line) }))
      : resolve(state, asked, openUnits, 'exceeds_open_quantity');
  if (isRejection(found)) return found;
  const taken = new Map(found.map(({ line, quantity }) => [line.lineId, quantity]));
  const goodsLeft = all.some(
    (line) => line.kind === 'goods' && openUnits(line) > (taken.get(line.lineId) ?? 0),
  );
  const nothingShipped = [...state.lines.values()].every((line) => line.shipped === 0);
  // Charges would wait for ever for a first shipment that cannot come any more. An order without goods is cancelled as asked.
  const goodsOpen = all.some((line) => line.kind === 'goods');
  if (goodsOpen && !goodsLeft && nothingShipped) {
    for (const line of all) if (line.kind !== 'goods') taken.set(line.lineId, openUnits(line));
  }
  const lines = [...taken].map(([lineId, quantity]) => ({ lineId, quantity }));
  if (lines.length === 0) return reject('nothing_open', 'no unit of the order is open');
  const { released, short } = letGoFields(state, letGo(state, goodsAmong(state, lines)));
  const splits = cancelledApart(state, lines);
  return andComplete(state, {
    type: 'OrderLinesCancelled',
    data: {
      cancellationId,
      reason,
      lines,
      ...(released === undefined ? {} : { released: [...released] }),
      ...(short === undefined ? {} : { short: [...short] }),
      ...(splits.length === 0 ? {} : { splits }),
    },
  });
};

export const decideShip = (command: OrderCommand & { type: 'ship' }, state: Placed): Decision<OrderEvent> => {
  const before = repeated(state, `shipment:${command.shipmentId}`, command.lines);
  const { splitId, shipmentId } = command;
  if (before !== undefined) {
    return isRejection(before) || splitOfShipment(state.splits, shipmentId) === splitId
      ? before
      : reject('id_reused', `shipment ${shipmentId} was recorded of another split`, { id: shipmentId });
  }
  if (state.status !== 'confirmed') return wrongStatus(state, 'confirmed');
  if (splitId !== undefined && !state.splits.has(splitId))
    return reject('unknown_split', `the order has no split ${splitId}`);
  const left = leftToShip(state, splitId);
  const blocking = reviewsBlocking(state.reviews, 'ship');
  if (blocking.some(({ held }) => held.lines === undefined)) return orderHeld(blocking);
  const blocked = new Set(blocking.flatMap(({ held }) => held.lines ?? []));
  if (command.lines?.some(({ lineId }) => blocked.has(lineId))) return orderHeld(blocking);
  const open = [...state.lines.values()].filter((line) => openUnits(line) > 0);
  const unblocked = open.filter(({ lineId }) => !blocked.has(lineId));
  const units = heldUnits(state, command.location);
  const found =
    command.lines === undefined
      ? drawAll(unblocked, units, left, state.placed.handover === 'at-once' ? shortUnits(state) : new Map())
      : drawNamed(state, command.lines, units, left, command.location);
  if (isRejection(found)) return found;
  const goodsOpen = open.some((line) => line.kind === 'goods');
  const goodsHere = found.some(({ line }) => line.kind === 'goods');
  // Nothing leaves a place that has none of the goods, so no charge leaves from there either.
  if (found.length === 0 || (command.lines === undefined && goodsOpen && !goodsHere)) {
    return blocking.length > 0
      ? orderHeld(blocking)
      : reject('nothing_open', 'no unit of the order is open there');
  }
  const first = [...state.lines.values()].every((line) => line.shipped === 0);
  const named = new Set(found.map(({ line }) => line));
  const charges = first ? unblocked.filter((line) => line.kind !== 'goods' && !named.has(line)) : [];
  return shipUnits(state, command, [
    ...found,
    ...charges.map((line) => ({ line, parts: [{ location: undefined, quantity: openUnits(line) }] })),
  ]);
};

/** Units of a line that go out, by where they lie. */
interface Outgoing {
  readonly line: OrderLine;
  readonly parts: readonly Drawn[];
}

/** All that is held of these lines, and what is `gone`: units that nothing holds, by SKU, which left a till already. */
const drawAll = (
  lines: readonly OrderLine[],
  units: UnitsByPlace,
  left: (line: OrderLine) => number,
  gone: Map<string, number>,
): Outgoing[] =>
  lines.flatMap((line): Outgoing[] => {
    const open = left(line);
    if (open === 0) return [];
    if (line.kind !== 'goods') return [{ line, parts: [{ location: undefined, quantity: open }] }];
    const parts = units.draw(line.sku, open);
    const undrawn = open - parts.reduce((sum, { quantity }) => sum + quantity, 0);
    const unheld = Math.min(undrawn, gone.get(line.sku) ?? 0);
    if (unheld > 0) {
      gone.set(line.sku, (gone.get(line.sku) ?? 0) - unheld);
      parts.push({ location: undefined, quantity: unheld });
    }
    return parts.length === 0 ? [] : [{ line, parts }];
  });

/** Rejections: `wrong_location`, `not_allocated`, and those of {@link resolve}. */
const drawNamed = (
  state: Placed,
  asked: readonly LineQuantity[],
  units: UnitsByPlace,
  left: (line: OrderLine) => number,
  location: string | undefined,
): Outgoing[] | Rejection => {
  const found = resolve(state, asked, left, 'exceeds_open_quantity');
  if (isRejection(found)) return found;
  const outgoing: Outgoing[] = [];
  for (const { line, quantity } of found) {
    const { lineId, kind, sku } = line;
    if (kind !== 'goods') {
      outgoing.push({ line, parts: [{ location: undefined, quantity }] });
      continue;
    }
    if (location !== undefined && !units.knows(sku)) {
      return reject('wrong_location', `line ${lineId} is not at ${location}`, { lineId });
    }
    const allocated = units.of(sku);
    if (allocated < quantity) {
      return reject('not_allocated', `line ${lineId}: ${allocated} held`, { lineId, allocated });
    }
    outgoing.push({ line, parts: units.draw(sku, quantity) });
  }
  return outgoing;
};

const shipUnits = (
  state: Placed,
  { shipmentId, splitId }: OrderCommand & { type: 'ship' },
  outgoing: readonly Outgoing[],
): readonly OrderEvent[] =>
  andComplete(state, {
    type: 'OrderShipped',
    data: {
      shipmentId,
      channel: state.placed.channel,
      currency: state.placed.currency,
      ...(splitId === undefined ? {} : { splitId }),
      ...settlementOf(state.placed),
      lines: outgoing.flatMap(({ line, parts }) => {
        let from = line.shipped;
        return parts.map(({ location, quantity }) => {
          const units = unitsOf(state.placed, line, from, quantity, location);
          from += quantity;
          return units;
        });
      }),
    },
  });
