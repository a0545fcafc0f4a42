import { heldUnits, type UnitsByPlace } from './order-allocations.js';
import { leftToShip } from './order-lines.js';
import type { OrderState } from './order-state.js';
import { reviewsBlocking } from './review.js';

/** Why an order cannot leave together with others. */
export type MergeRefusal =
  | 'unknown_order'
  | 'wrong_status'
  | 'no_customer'
  | 'other_channel'
  | 'other_customer'
  | 'other_destination'
  | 'no_destination'
  | 'order_held'
  | 'wrong_location'
  | 'not_allocated'
  | 'nothing_open';

const addressOf = ({ placed }: OrderState): string => {
  const { country, region, postalCode, deliveryAddressId } = placed?.destination ?? {};
  return JSON.stringify([country, region ?? null, postalCode ?? null, deliveryAddressId ?? null]);
};

/**
 * Whether an order can leave `location` together with `first`: confirmed, of the channel, of the same customer, to the same
 * destination, with nothing that holds its shipment back, and with all of its goods that are to ship held at that place: a part of them
 * elsewhere is `wrong_location`, a part that waits for stock `not_allocated`. Units that were split off ship apart and are not looked at.
 * Undefined when it can.
 */
export const refusalToMerge = (
  state: OrderState,
  first: OrderState,
  { channel, location }: { readonly channel: string; readonly location: string },
): MergeRefusal | undefined => {
  const { placed, status, reviews } = state;
  if (placed === undefined) return 'unknown_order';
  if (status !== 'confirmed') return 'wrong_status';
  if (placed.customerId === undefined) return 'no_customer';
  if (placed.destination === undefined) return 'no_destination';
  if (placed.channel !== channel) return 'other_channel';
  if (placed.customerId !== first.placed?.customerId) return 'other_customer';
  if (addressOf(state) !== addressOf(first)) return 'other_destination';
  if (reviewsBlocking(reviews, 'ship').length > 0) return 'order_held';
  const left = leftToShip(state);
  const wanted = new Map<string, number>();
  for (const line of state.lines.values()) {
    if (line.kind === 'goods' && left(line) > 0)
      wanted.set(line.sku, (wanted.get(line.sku) ?? 0) + left(line));
  }
  if (wanted.size === 0) return 'nothing_open';
  const lacks = (units: UnitsByPlace): boolean =>
    [...wanted].some(([sku, quantity]) => units.of(sku) < quantity);
  if (!lacks(heldUnits(state, location))) return undefined;
  return lacks(heldUnits(state)) ? 'not_allocated' : 'wrong_location';
};
