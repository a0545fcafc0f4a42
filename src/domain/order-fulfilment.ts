import { type Decision, isRejection, type Rejection, reject } from './decider.js';
import type { LineQuantity, OrderCommand } from './order-commands.js';
import type { OrderEvent, OrderPlaced } from './order-events.js';
import { repeated, resolve, sourcesOf, unitsOf } from './order-lines.js';
import { evolveOrder, type OrderLine, type OrderState, openUnits } from './order-state.js';
import { orderHeld, reviewsBlocking } from './review.js';

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
  return andComplete(state, { type: 'OrderLinesCancelled', data: { cancellationId, reason, lines } });
};

export const decideShip = (command: OrderCommand & { type: 'ship' }, state: Placed): Decision<OrderEvent> => {
  const before = repeated(state, `shipment:${command.shipmentId}`, command.lines);
  if (before !== undefined) return before;
  if (state.status !== 'confirmed') return wrongStatus(state, 'confirmed');
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
          .filter((line) => isHere(line) && !blocked.has(line.lineId))
          .map((line) => ({ line, quantity: openUnits(line) }))
      : resolve(state, command.lines, openUnits, 'exceeds_open_quantity');
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
      lines: moved.map(({ line, quantity }) =>
        unitsOf(state.placed, line, line.shipped, quantity, sourceOf(line)),
      ),
    },
  });
};
