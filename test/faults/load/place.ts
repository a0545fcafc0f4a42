import type { Dice } from '../../../src/cli/demo/random.js';
import { type Channel, SKUS } from './shop.js';
import { couponOf } from './stock.js';
import { type Answer, Talk } from './talk.js';

const price = (dice: Dice): string => `${dice.between(1, 40)}.${dice.between(10, 99)}`;

/** A line as a customer may add it to any order. */
export const someGoods = (dice: Dice, unitsMax: number) => ({
  sku: dice.pick(SKUS),
  quantity: dice.between(1, unitsMax),
  unitPrice: price(dice),
  ...(dice.chance(0.3) ? { tax: `0.${dice.between(10, 99)}` } : {}),
});

export interface Placing {
  readonly round: number;
  /** Of whom it is, and where it goes; a guest's when absent. */
  readonly customer?: Record<string, unknown>;
  readonly linesMax: number;
}

/** Places the order of a talk, now and then by a channel that delivers twice: at the same time, or later. */
export const place = async (
  talk: Talk,
  { round, customer = {}, linesMax }: Placing,
): Promise<Answer | undefined> => {
  const { dice, channel, id, send, stream } = talk;
  const waits = channel.shortage === 'backorder' || channel.shortage === 'shortfall';
  // Who may wait asks for more than there is now and then.
  const goods = Array.from({ length: dice.between(1, linesMax) }, () =>
    someGoods(dice, waits || channel.shortage !== undefined ? 6 : 3),
  );
  const takesCoupon = channel.currency === 'EUR' && channel.shortage !== 'shortfall';
  const coupons = takesCoupon && dice.chance(0.35) ? [couponOf(round)] : [];
  const postage = dice.chance(0.5)
    ? [{ kind: 'charge', sku: 'POST', account: 'postage', quantity: 1, unitPrice: '3.90' }]
    : [];
  const urgent =
    waits && dice.chance(0.3) ? { priority: { level: dice.between(0, 9), reason: 'asked' } } : {};
  const place = {
    path: '/v1/orders',
    body: {
      channel: channel.id,
      externalId: id,
      currency: channel.currency,
      coupons,
      lines: [...goods, ...postage],
      ...customer,
      ...urgent,
    },
    key: dice.chance(0.5) ? `${talk.orderId}-place` : undefined,
    stream,
    eventType: 'OrderPlaced',
    businessId: '',
  };
  const twice = dice.chance(0.12) ? send('place', place) : undefined;
  const [placed] = await Promise.all([send('place', place), twice]);
  if (dice.chance(0.08)) await send('place', place);
  talk.see(placed);
  return placed;
};

export const talkOf = (of: Pick<Talk, 'send' | 'dice' | 'patient'>, channel: Channel, id: string): Talk =>
  new Talk(of.send, of.dice, channel, id, of.patient);
