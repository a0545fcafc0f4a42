import type { BlindReturnEvent } from '../domain/blind-return.js';
import type { ChannelEvent } from '../domain/channel.js';
import type { ConsignmentEvent } from '../domain/consignment.js';
import type { CouponEvent } from '../domain/coupon.js';
import type { LocationEvent } from '../domain/location.js';
import type { OrderEvent } from '../domain/order-events.js';
import type { SettlementEvent } from '../domain/settlement.js';
import type { StockEvent } from '../domain/stock.js';
import type { RecordedEvent } from '../runtime/event-store.js';

interface EventOf {
  readonly order: OrderEvent;
  readonly stock: StockEvent;
  readonly coupon: CouponEvent;
  readonly channel: ChannelEvent;
  readonly location: LocationEvent;
  readonly return: BlindReturnEvent;
  readonly consignment: ConsignmentEvent;
  readonly settlement: SettlementEvent;
}

/** Narrows a decoded event to those of one category: the codec has checked its type and data. */
export const isOf = <Category extends keyof EventOf>(
  recorded: RecordedEvent,
  category: Category,
): recorded is RecordedEvent<EventOf[Category]> => recorded.category === category;
