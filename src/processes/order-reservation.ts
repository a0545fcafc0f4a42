import { type CouponTerms, coupon } from '../domain/coupon.js';
import type { Rejection } from '../domain/decider.js';
import type { OrderCommand } from '../domain/order.js';
import type { Allocation } from '../domain/order-events.js';
import type { OrderState } from '../domain/order-state.js';
import { stock } from '../domain/stock.js';
import { stockIdOf } from '../domain/stream-id.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import { demandOf } from './order-effects.js';
import { holdPartly } from './order-round.js';
import { NotRecorded } from './process-errors.js';

type Held = { readonly allocation: Allocation } | { readonly refusal: Rejection; readonly sku: string };
type Holds = Pick<OrderCommand & { type: 'reserve' }, 'allocations' | 'lacking'> & {
  /** Holds that are more than the order wants. */
  readonly beyond?: readonly Allocation[];
};

/**
 * Sourcing, for now: each SKU whole from the first location of the order's list that can hold it.
 *
 * A run that is not the first of its order looks for holds that an earlier one may have left before it makes any: stock may have
 * changed in between, and the first location that could hold it now need not be the one that does.
 */
const holdSku = async (
  bus: CommandBus,
  orderId: string,
  sku: string,
  quantity: number,
  sources: readonly string[],
  context: CommandContext,
  fresh: boolean,
): Promise<Held> => {
  if (!fresh) {
    // Whoever made such a hold died without saying why the locations before it had refused.
    const passed: { location: string; code: string }[] = [];
    for (const location of sources) {
      const { state } = await bus.load(stock, stockIdOf(location, sku));
      if (state.holds.open.has(orderId)) return { allocation: { sku, location, quantity, refused: passed } };
      passed.push({ location, code: 'not_asked_again' });
    }
  }
  const refused: { location: string; code: string }[] = [];
  let refusal: Rejection = { code: 'insufficient_stock', message: 'no location may deliver' };
  for (const location of sources) {
    const hold = { type: 'hold', holdId: orderId, quantity } as const;
    const result = await bus.execute(stock, stockIdOf(location, sku), hold, context);
    if (result.status === 'accepted') return { allocation: { sku, location, quantity, refused } };
    refusal = result.rejection;
    refused.push({ location, code: refusal.code });
  }
  return { refusal, sku };
};

interface Reservation {
  /** What to tell the order: its reservation, or why there is none. */
  readonly command: OrderCommand;
  /** The holds that were made or found. */
  readonly held: readonly Allocation[];
}

/** Every SKU whole, or a refusal with the holds that were made before it. */
const holdWhole = async (
  bus: CommandBus,
  orderId: string,
  state: OrderState,
  context: CommandContext,
  fresh: boolean,
): Promise<Reservation | Holds> => {
  const outcomes = await Promise.all(
    [...demandOf(state)].map(([sku, quantity]) =>
      holdSku(bus, orderId, sku, quantity, state.sources, context, fresh),
    ),
  );
  const held = outcomes.flatMap((outcome) => ('allocation' in outcome ? [outcome.allocation] : []));
  const short = outcomes.find((outcome) => 'refusal' in outcome);
  if (short === undefined || !('refusal' in short)) return { allocations: held };
  const { refusal, sku } = short;
  return { held, command: { type: 'refuse', code: refusal.code, detail: refusal.message, sku } };
};

const holdWhatThereIs = async (
  bus: CommandBus,
  orderId: string,
  state: OrderState,
  context: CommandContext,
  fresh: boolean,
): Promise<Holds> => {
  const { sources } = state;
  const outcomes = await Promise.all(
    [...demandOf(state)].map(([sku, quantity]) =>
      holdPartly({ bus, holdId: orderId, sku, quantity, sources, context, fresh }),
    ),
  );
  const lacking = outcomes.flatMap((one) => (one.lacking === undefined ? [] : [one.lacking]));
  const beyond = outcomes.flatMap((one) => one.beyond);
  return { allocations: outcomes.flatMap(({ allocations }) => allocations), beyond, lacking };
};

/** Makes the holds of a placed order, stock and coupons together. Writes nothing to the order. */
export const reserveOrder = async (
  bus: CommandBus,
  orderId: string,
  state: OrderState,
  context: CommandContext,
  fresh: boolean,
): Promise<Reservation> => {
  const { placed } = state;
  if (placed === undefined) throw new NotRecorded(`order ${orderId}`, 'its placement');
  const whole = placed.shortage === undefined || placed.shortage === 'all-or-nothing';
  const stocked = await (whole ? holdWhole : holdWhatThereIs)(bus, orderId, state, context, fresh);
  if ('command' in stocked) return stocked;
  const { beyond = [], ...holds } = stocked;
  const held = [...holds.allocations, ...beyond];
  const coupons: { code: string; terms: CouponTerms }[] = [];
  for (const code of placed.coupons) {
    const { channel, currency, placedAt } = placed;
    const hold = { type: 'hold', holdId: orderId, channel, currency, at: placedAt } as const;
    const result = await bus.execute(coupon, code, hold, context);
    const terms = result.state.terms;
    if (result.status === 'rejected' || terms === undefined) {
      const refusal: Rejection =
        result.status === 'rejected'
          ? result.rejection
          : { code: 'coupon_unknown', message: 'no such coupon' };
      return {
        held,
        command: { type: 'refuse', code: refusal.code, detail: `coupon ${code}: ${refusal.message}` },
      };
    }
    coupons.push({ code, terms });
  }
  return { held, command: { type: 'reserve', ...holds, coupons } };
};
