import { leftToShip, sourcesOf } from './order-lines.js';
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
  | 'nothing_open';

const addressOf = ({ placed }: OrderState): string => {
  const { country, region, postalCode, deliveryAddressId } = placed?.destination ?? {};
  return JSON.stringify([country, region ?? null, postalCode ?? null, deliveryAddressId ?? null]);
};

/**
 * Whether an order can leave `location` together with `first`: confirmed, of the channel, of the same customer, to the same
 * destination, with nothing that holds its shipment back, and with all of its goods that are to ship at that place. Units that were
 * split off ship apart and are not looked at. Undefined when it can.
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
  const sourceOf = sourcesOf(state);
  const open = [...state.lines.values()].filter((line) => line.kind === 'goods' && left(line) > 0);
  if (open.length === 0) return 'nothing_open';
  return open.every((line) => sourceOf(line) === location) ? undefined : 'wrong_location';
};
