import type { BlindReturnEvent } from '../domain/blind-return.js';
import type { Channel, ChannelEvent } from '../domain/channel.js';
import type { LocationEvent, LocationSettings } from '../domain/location.js';
import type { EventCodec } from '../runtime/codec.js';
import {
  comparePositions,
  LOG_START,
  type LogPosition,
  type RecordedEvent,
  type StoredEvent,
} from '../runtime/event-store.js';
import { ConsignmentFold } from './fold-consignments.js';
import { isCause, LedgerFold } from './fold-ledger.js';
import { OrderFold } from './fold-orders.js';
import { Promises } from './fold-promises.js';
import { HoldersFold } from './fold-stock.js';
import { encodePart, stockKey } from './ids.js';
import { minorOf } from './money.js';
import { type Place, placeOf } from './place.js';
import { Violations } from './violations.js';

/** Every category of stream that the fold knows. */
export const FOLDED_CATEGORIES = [
  'channel',
  'location',
  'stock',
  'coupon',
  'order',
  'return',
  'consignment',
  'settlement',
] as const;

export interface Configured<Settings> {
  readonly id: string;
  readonly settings: Settings;
  readonly last: Place;
}

/**
 * The audit's own fold of the log. It shares the codec with the product, and the types of its events; no decider, no projection, no
 * poster, no arithmetic. Written plainly, so that an auditor can read it against the description of the events.
 *
 * What it keeps: orders with their lines, stock, coupons, promises and daily sums of the ledger; of movements and postings,
 * of which there are many, nothing. About 470 bytes per order line, all told (measured).
 */
export class LogFold {
  readonly violations = new Violations();
  readonly promises = new Promises();
  readonly orders = new OrderFold(this.promises, this.violations);
  readonly holders = new HoldersFold(this.promises, this.violations);
  readonly ledger = new LedgerFold(this.violations);
  readonly consignments = new ConsignmentFold(this.violations, (orderId, shipmentId) =>
    this.orders.consigned.get(JSON.stringify([orderId, shipmentId])),
  );
  readonly channels = new Map<string, Configured<Channel>>();
  readonly locations = new Map<string, Configured<LocationSettings>>();
  readonly eventsPerType = new Map<string, number>();
  events = 0;
  /** Of the last event folded. */
  position: LogPosition = LOG_START;
  recordedAtMs = 0;

  /** Decodes and folds one event; they come in log order. One that cannot be read is a violation and undefined. */
  read(stored: StoredEvent, codec: Pick<EventCodec, 'decode'>): RecordedEvent | undefined {
    const { type, stream, revision, position } = stored;
    if (comparePositions(position, this.position) <= 0 && this.events > 0) {
      throw new Error(`the log went back to ${stream}@${revision}`);
    }
    this.events += 1;
    this.position = position;
    this.recordedAtMs = stored.recordedAt.getTime();
    this.eventsPerType.set(type, (this.eventsPerType.get(type) ?? 0) + 1);
    try {
      const recorded = codec.decode(stored);
      this.#apply(recorded);
      return recorded;
    } catch (error) {
      this.violations.add('undecodable_event', stream, `revision ${revision}: ${String(error)}`);
      return undefined;
    }
  }

  #apply(recorded: RecordedEvent): void {
    const { type } = recorded.event;
    switch (recorded.category) {
      case 'channel': {
        const { data } = recorded.event as ChannelEvent;
        const { streamId: id } = recorded;
        this.channels.set(id, { id, settings: data, last: placeOf(recorded) });
        this.ledger.timeZone(id, recorded.position, data.timeZone);
        break;
      }
      case 'location': {
        const { data } = recorded.event as LocationEvent;
        const { streamId: id } = recorded;
        this.locations.set(id, { id, settings: data, last: placeOf(recorded) });
        break;
      }
      case 'stock':
        this.holders.applyStock(recorded);
        break;
      case 'coupon':
        this.holders.applyCoupon(recorded);
        break;
      case 'order':
        this.orders.apply(recorded);
        if (isCause(recorded)) this.ledger.cause(recorded);
        break;
      case 'return':
        if (!isCause(recorded)) this.violations.add('unknown_event', recorded.stream, type);
        else {
          this.#note(recorded as RecordedEvent<BlindReturnEvent>);
          this.ledger.cause(recorded);
        }
        break;
      case 'consignment':
        this.consignments.apply(recorded);
        break;
      case 'settlement':
        this.ledger.apply(recorded);
        break;
      default:
        this.violations.add('unknown_event', recorded.stream, type);
    }
  }

  /** A line of a credit note that names no order. */
  #note({ event: { data }, streamId, recordedAt, metadata }: RecordedEvent<BlindReturnEvent>): void {
    const { channel, note, lineId, kind, sku, location, quantity, currency, amount } = data;
    this.promises.touch(streamId, recordedAt.getTime());
    if (kind === 'goods' && location !== undefined) {
      const atStock = `${streamId}/${encodePart(lineId)}`;
      const stock = stockKey(location, sku);
      this.promises.restock('wanted', atStock, stock, quantity, recordedAt.getTime(), 'note');
    }
    this.orders.credits.push({
      channel,
      note,
      currency,
      at: metadata.effectiveAt,
      units: quantity,
      amount: minorOf(amount, currency),
    });
  }

  /** Time zone of a channel as it is set now; UTC for one that never was. */
  timeZoneOf(channel: string): string {
    return this.channels.get(encodePart(channel))?.settings.timeZone ?? 'UTC';
  }
}
