import { type Decision, isRejection, type Rejection, reject } from './decider.js';
import { amountOf, formatAmount, parseAmount } from './money.js';
import type { LineQuantity, OrderCommand } from './order-commands.js';
import type { OrderEvent, OrderPlaced } from './order-events.js';
import { cancelledApart, leftToShip, repeated, resolve, sourcesOf, unitsOf } from './order-lines.js';
import { evolveOrder, type OrderLine, type OrderState, openUnits } from './order-state.js';
import { orderHeld, reviewsBlocking } from './review.js';
import { splitOfShipment } from './split.js';

export type Placed = OrderState & { readonly placed: OrderPlaced['data'] };

export const wrongStatus = (state: OrderState, wanted: string): Rejection =>
  reject('wrong_status', `the order is ${state.status}, not ${wanted}`, { status: state.status });

/** With the last open unit gone, an order that shipped anything is complete. */
const andComplete = (state: OrderState, event: OrderEvent): OrderEvent[] => {
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
  const splits = cancelledApart(state, lines);
  const data = { cancellationId, reason, lines, ...(splits.length === 0 ? {} : { splits }) };
  return andComplete(state, { type: 'OrderLinesCancelled', data });
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
  const sourceOf = sourcesOf(state);
  const isHere = (line: OrderLine): boolean =>
    line.kind !== 'goods' || command.location === undefined || sourceOf(line) === command.location;
  const nothing = (): Rejection =>
    blocking.length > 0 ? orderHeld(blocking) : reject('nothing_open', 'no unit of the order is open there');
  const open = [...state.lines.values()].filter((line) => openUnits(line) > 0);
  const found =
    command.lines === undefined
      ? open
          .filter((line) => isHere(line) && !blocked.has(line.lineId) && left(line) > 0)
          .map((line) => ({ line, quantity: left(line) }))
      : resolve(state, command.lines, left, 'exceeds_open_quantity');
  if (isRejection(found)) return found;
  const elsewhere = found.find(({ line }) => !isHere(line));
  if (elsewhere !== undefined) {
    const { lineId } = elsewhere.line;
    return reject('wrong_location', `line ${lineId} is not at ${command.location}`, { lineId });
  }
  const goodsOpen = open.some((line) => line.kind === 'goods');
  const goodsHere = found.some(({ line }) => line.kind === 'goods');
  // Nothing leaves a place that has none of the goods, so no charge leaves from there either.
  if (command.lines === undefined && goodsOpen && !goodsHere) return nothing();
  const first = [...state.lines.values()].every((line) => line.shipped === 0);
  const named = new Set(found.map(({ line }) => line));
  const charges = open.filter(
    (line) => line.kind !== 'goods' && !named.has(line) && !blocked.has(line.lineId),
  );
  const moved = first ? [...found, ...charges.map((line) => ({ line, quantity: openUnits(line) }))] : found;
  if (found.length === 0) return nothing();
  return andComplete(state, {
    type: 'OrderShipped',
    data: {
      shipmentId: command.shipmentId,
      channel: state.placed.channel,
      currency: state.placed.currency,
      ...(splitId === undefined ? {} : { splitId }),
      lines: moved.map(({ line, quantity }) =>
        unitsOf(state.placed, line, line.shipped, quantity, sourceOf(line)),
      ),
    },
  });
};

export const decideReturn = (
  command: OrderCommand & { type: 'return' },
  state: Placed,
): Decision<OrderEvent> => {
  const before = repeated(state, `return:${command.returnId}`, command.lines);
  if (before !== undefined) return before;
  const returnable = (line: OrderLine): number => line.shipped - line.returned;
  const found = resolve(state, command.lines, returnable, 'exceeds_shipped_quantity');
  if (isRejection(found)) return found;
  if (found.length === 0) return reject('nothing_open', 'a return names at least one line');
  const { currency, channel } = state.placed;
  const sourceOf = sourcesOf(state);
  const lines = found.map(({ line, quantity }) => {
    const location = line.kind === 'goods' ? (command.location ?? sourceOf(line)) : undefined;
    return unitsOf(state.placed, line, line.returned, quantity, location);
  });
  const paid = lines.reduce(
    (sum, { amount, discount, tax }) =>
      sum + amountOf(amount, currency) - amountOf(discount, currency) + amountOf(tax, currency),
    0n,
  );
  const credited = command.credited === undefined ? paid : parseAmount(command.credited, currency);
  if (credited === undefined || credited < 0n)
    return reject('invalid_amount', `not an amount of ${currency}`);
  const { returnId, reason, note } = command;
  return [
    {
      type: 'OrderReturned',
      data: {
        returnId,
        channel,
        currency,
        reason,
        ...(note === undefined ? {} : { note }),
        lines,
        allowance: formatAmount(credited - paid, currency),
      },
    },
  ];
};
