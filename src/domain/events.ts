import { blindReturnEvents } from './blind-return.js';
import { channelEvents } from './channel.js';
import { consignmentEvents } from './consignment.js';
import { couponEvents } from './coupon.js';
import type { EventDefinition } from './event-definition.js';
import { exchangeEvents } from './exchange-events.js';
import { locationEvents } from './location.js';
import { orderEvents } from './order-events.js';
import { settlementEvents } from './settlement.js';
import { stockEvents } from './stock.js';
import { systemLogEvents } from './system-log.js';

/** Every type of event there is; the codec reads and writes these and nothing else. */
export const allEventDefinitions: readonly EventDefinition[] = [
  ...systemLogEvents,
  ...channelEvents,
  ...locationEvents,
  ...stockEvents,
  ...couponEvents,
  ...orderEvents,
  ...exchangeEvents,
  ...blindReturnEvents,
  ...consignmentEvents,
  ...settlementEvents,
];
