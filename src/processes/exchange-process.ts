import type { Rejection } from '../domain/decider.js';
import { formatAmount } from '../domain/money.js';
import type { OrderCommand } from '../domain/order.js';
import { order } from '../domain/order.js';
import { chargedOf } from '../domain/order-charge.js';
import { placementOf } from '../domain/order-exchange.js';
import type { Exchange } from '../domain/order-return-state.js';
import type { OrderState } from '../domain/order-state.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import type { LogPosition } from '../runtime/event-store.js';
import type { OrderProcess } from './order-process.js';
import { NotRecorded } from './process-errors.js';

export type ExchangeAnswer = { readonly position: LogPosition } & (
  | {
      readonly status: 'accepted';
      readonly replayed: boolean;
      readonly exchangeId: string;
      readonly exchange: Exchange;
      /** The order that the exchange is for; undefined where its id belongs to another one. */
      readonly newOrder: OrderState | undefined;
    }
  | { readonly status: 'rejected'; readonly rejection: Rejection }
);

/**
 * An exchange runs over two orders: agreed on the old one, which keeps all that the new one is made of; the new one placed by the
 * order process; and its end said on the old one. Whoever dies in between, `advance` reads the old order and goes on.
 *
 * The credit moves by no entry of the ledger: the return has lowered what the channel's customer owes, the shipment of the new order
 * raises it again, and both are entries on the receivable of one party, so what is left between them is the difference.
 */
export interface ExchangeProcess {
  /** Agrees an exchange and places its order. Rejections: those of the order, and none for an order that has no stock: that ends it. */
  agree(
    orderId: string,
    command: OrderCommand & { type: 'agree-exchange' },
    context: CommandContext,
  ): Promise<ExchangeAnswer>;
  /** Brings the open exchanges of an order to where their new orders are. Idempotent. */
  advance(orderId: string, context: CommandContext): Promise<void>;
}

export const createExchangeProcess = (bus: CommandBus, orders: OrderProcess): ExchangeProcess => {
  const end = (orderId: string, exchangeId: string, rejection: Rejection, context: CommandContext) => {
    const { code, message: detail } = rejection;
    return bus.execute(order, orderId, { type: 'end-exchange', exchangeId, code, detail }, context);
  };

  /** Places the new order where that is still to do, and says its end where it has one. */
  const follow = async (
    orderId: string,
    exchangeId: string,
    exchange: Exchange,
    context: CommandContext,
  ): Promise<OrderState | undefined> => {
    const placed = await orders.execute(
      exchange.newOrderId,
      placementOf(orderId, exchangeId, exchange),
      context,
    );
    if (placed.status === 'rejected') {
      await end(orderId, exchangeId, placed.rejection, context);
      return undefined;
    }
    const { state } = placed;
    if (state.status === 'completed') {
      const charged = formatAmount(chargedOf(state), exchange.currency);
      await bus.execute(order, orderId, { type: 'settle-exchange', exchangeId, charged }, context);
    } else if (state.status === 'rejected') {
      const { code = 'rejected', detail = '' } = state.rejection ?? {};
      await end(orderId, exchangeId, { code, message: detail }, context);
    } else if (state.status === 'expired' || state.status === 'cancelled') {
      await end(
        orderId,
        exchangeId,
        { code: state.status, message: `the order is ${state.status}` },
        context,
      );
    }
    return state;
  };

  const advance: ExchangeProcess['advance'] = async (orderId, { requestHash: _, ...context }) => {
    const { state } = await bus.load(order, orderId);
    for (const [exchangeId, exchange] of state.afterSales.exchanges) {
      if (exchange.status === 'agreed') await follow(orderId, exchangeId, exchange, context);
    }
  };

  return {
    advance,
    agree: async (orderId, command, context) => {
      const agreed = await bus.execute(order, orderId, command, context);
      const { position } = agreed;
      if (agreed.status === 'rejected') return { status: 'rejected', rejection: agreed.rejection, position };
      const { exchangeId } = command;
      const { requestHash: _, ...plain } = context;
      const before = agreed.state.afterSales.exchanges.get(exchangeId);
      if (before === undefined) throw new NotRecorded(`order ${orderId}`, `exchange ${exchangeId}`);
      const newOrder =
        before.status === 'agreed'
          ? await follow(orderId, exchangeId, before, plain)
          : (await bus.load(order, before.newOrderId)).state;
      const after = await bus.load(order, orderId);
      // Of another order's exchange with the same id it is not ours to show.
      const of = newOrder?.placed?.exchangeOf;
      const isOurs = of?.orderId === orderId && of.exchangeId === exchangeId;
      return {
        status: 'accepted',
        replayed: agreed.replayed || agreed.events.length === 0,
        exchangeId,
        exchange: after.state.afterSales.exchanges.get(exchangeId) ?? before,
        newOrder: isOurs ? newOrder : undefined,
        position: after.position,
      };
    },
  };
};
