import type { StoredEvent } from '../../../src/runtime/event-store.js';
import type { Violation } from '../history.js';
import { Consignments } from './consignments.js';
import { exchangesOf, impossibleIn, leftOf } from './follow.js';
import { Holders, ownerOf, type Wrong } from './holders.js';
import { foldOrder, type OrderFold, placedOrder } from './order-fold.js';
import { type Data, dataOf, minorUnits, rows, text } from './raw-log.js';

/**
 * Stock, coupons, orders, consignments and ledger folded together, in their order. `violations` can never be; `unsettled` must go away by
 * itself: an order without an outcome, a hold, capture or return that does not yet follow its order, goods that are there for an order that
 * waits for them, a provider that has not answered, an exchange or a consignment without its end, a fact of money without its entry.
 */
export const foldShop = (log: readonly StoredEvent[]): { violations: Violation[]; unsettled: string[] } => {
  const fold = new ShopFold();
  for (const event of log) fold.add(event);
  return fold.end();
};

class ShopFold {
  readonly #violations: Violation[] = [];
  readonly #holders = new Holders();
  readonly #orders = new Map<string, OrderFold>();
  readonly #consignments = new Consignments();
  readonly #causes = new Set<string>();
  readonly #posted = new Set<string>();
  /** Channels that ask back by themselves what is due. */
  readonly #refunding = new Set<string>();

  add(event: StoredEvent): void {
    const { stream, type, revision } = event;
    const data = dataOf(event);
    const wrong = (code: string, detail = ''): void => {
      this.#violations.push({ code, detail: `${stream}@${revision} ${type} ${detail}` });
    };
    if (type.startsWith('Stock')) this.#holders.addStock(stream, type, data, wrong);
    else if (type.startsWith('Coupon')) this.#holders.addCoupon(stream, type, data, wrong);
    else if (type.startsWith('Consignment')) this.#consignments.add(stream, type, data, wrong);
    else if (type === 'OrderPlaced') this.#orders.set(stream, placedOrder(data));
    else if (type === 'EntryPosted') this.#addEntry(data, wrong);
    else if (type === 'ChannelConfigured') this.#configure(stream, data);
    else {
      const order = this.#orders.get(stream);
      if (order !== undefined) foldOrder(order, event, wrong, this.#causes);
    }
  }

  end(): { violations: Violation[]; unsettled: string[] } {
    const wrong = (code: string, detail = ''): void => void this.#violations.push({ code, detail });
    const unsettled: string[] = [];
    const held = this.#holders.byOwner();
    for (const [stream, order] of this.#orders) {
      const asksByItself = this.#refunding.has(text(order.placed.channel));
      unsettled.push(...leftOf(stream, order, this.#holders, held.get(stream.slice('order-'.length))));
      unsettled.push(...order.payments.left(asksByItself).map((what) => `${stream}: ${what}`));
      unsettled.push(...exchangesOf(stream, order, this.#orders, wrong));
      impossibleIn(stream, order, this.#holders, wrong);
    }
    unsettled.push(...this.#consignments.end(this.#orders, wrong));
    for (const [stream, holds] of this.#holders.holds) {
      for (const [holdId, { held }] of holds) {
        if (!this.#orders.has(`order-${ownerOf(holdId)}`))
          unsettled.push(`${stream}: a hold of ${holdId}, which is no order (${held})`);
      }
    }
    for (const id of this.#causes)
      if (!this.#posted.has(id)) unsettled.push(`no ledger entry for event ${id}`);
    return { violations: this.#violations, unsettled };
  }

  #configure(stream: string, { refunds }: Data): void {
    const channel = stream.slice('channel-'.length);
    if (refunds === 'automatic') this.#refunding.add(channel);
    else this.#refunding.delete(channel);
  }

  #addEntry(data: Data, wrong: Wrong): void {
    const cause = text((data.cause as Data | undefined)?.id);
    if (!this.#causes.has(cause)) wrong('entry_without_cause', cause);
    if (this.#posted.has(cause)) wrong('posted_twice', cause);
    this.#posted.add(cause);
    const sum = rows(data.postings).reduce((all, { amount }) => all + minorUnits(amount), 0n);
    if (sum !== 0n) wrong('unbalanced', `by ${sum}`);
  }
}
