import { type Answer, type ApiClient, expectStatus, inParallel, UnexpectedAnswer } from './client.js';
import { createDice, type Dice } from './random.js';
import { CHANNELS, type Channel, FLASH_SKU, PRODUCTS } from './shop.js';

/** What the channels did and got, counted as it happened. */
export type Tally = Map<string, number>;

const count = (tally: Tally, what: string): void => {
  tally.set(what, (tally.get(what) ?? 0) + 1);
};

const IN_FLIGHT = 16;

interface PlannedOrder {
  readonly channel: Channel;
  readonly body: Record<string, unknown>;
  readonly dice: Dice;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

const planOrder = (run: string, index: number): PlannedOrder => {
  const dice = createDice(index * 7919 + Number.parseInt(run, 36));
  const channel = dice.pick(CHANNELS);
  const lines = Array.from({ length: dice.between(1, 4) }, () => ({
    product: dice.pick(PRODUCTS),
    quantity: dice.between(1, 3),
  }));
  const coupons =
    channel.currency === 'EUR' && dice.chance(0.2)
      ? ['WELCOME10']
      : channel.id === 'web' && dice.chance(0.2)
        ? [`FIVE-OFF-${run}`]
        : [];
  return {
    channel,
    dice,
    lines: lines.map(({ product, quantity }) => ({ sku: product.sku, quantity })),
    body: {
      channel: channel.id,
      externalId: `${run}-${index}`,
      currency: channel.currency,
      customerId: `customer-${dice.between(1, 80)}`,
      destination: { country: 'DE', postalCode: String(10_000 + dice.between(0, 89_999)) },
      coupons,
      lines: [
        ...lines.map(({ product, quantity }) => ({ sku: product.sku, quantity, unitPrice: product.price })),
        { kind: 'charge', sku: 'POST', account: 'postage', quantity: 1, unitPrice: '3.90' },
      ],
    },
  };
};

const path = (id: string, below: string): string => `/v1/orders/${encodeURIComponent(id)}/${below}`;

/** After the order stands: confirm, leave to expire, cancel, ship in parts, send back. */
const liveOn = async (api: ApiClient, { channel, dice, lines }: PlannedOrder, id: string, tally: Tally) => {
  if (channel.explicit) {
    if (dice.chance(0.25)) return count(tally, 'left unconfirmed, to expire');
    await expectStatus('confirm', api.post(path(id, 'confirm'), {}, `${id}-confirm`), 200, 201);
  }
  if (dice.chance(0.12)) {
    const cancellation = { cancellationId: '1', reason: 'changed mind' };
    await expectStatus('cancel', api.post(path(id, 'cancellations'), cancellation), 200, 201);
    return count(tally, 'cancelled');
  }
  if (dice.chance(0.15)) return count(tally, 'not shipped yet');
  const first = lines[0];
  if (first !== undefined && lines.length > 1 && dice.chance(0.3)) {
    const part = { shipmentId: 'part', lines: [{ lineId: '1', quantity: first.quantity }] };
    await expectStatus('part shipment', api.post(path(id, 'shipments'), part), 200, 201);
    count(tally, 'shipped in part');
    if (dice.chance(0.4)) return;
  }
  await expectStatus('shipment', api.post(path(id, 'shipments'), { shipmentId: 'rest' }), 200, 201);
  count(tally, 'shipped');
  if (dice.chance(0.15)) {
    const back = { returnId: 'r1', reason: 'did not fit', lines: [{ lineId: '1', quantity: 1 }] };
    await expectStatus('return', api.post(path(id, 'returns'), back), 200, 201);
    count(tally, 'returned in part');
  }
};

const same = (a: Answer, b: Answer): boolean => a.body.id === b.body.id && a.body.status === b.body.status;

/** Sends `orders` orders like channels would, one in ten of them twice. */
export const sendTraffic = async (
  api: ApiClient,
  run: string,
  orders: number,
  tally: Tally,
  onProgress: () => void,
): Promise<void> => {
  const plans = Array.from({ length: orders }, (_, index) => planOrder(run, index));
  await inParallel(plans, IN_FLIGHT, async (plan) => {
    const placed = await expectStatus('order', api.post('/v1/orders', plan.body), 200, 201);
    count(tally, `orders ${String(placed.body.status)}`);
    if (plan.dice.chance(0.1)) {
      const again = await expectStatus('the same order', api.post('/v1/orders', plan.body), 200);
      if (!same(placed, again)) throw new UnexpectedAnswer('a doubled delivery made another order', again);
      count(tally, 'delivered twice, one order');
    }
    if (placed.body.status !== 'rejected') await liveOn(api, plan, String(placed.body.id), tally);
    onProgress();
  });
};

export const FLASH_UNITS = 20;
export const FLASH_BUYERS = 200;

/** 20 units, 200 buyers at once: exactly 20 get one. */
export const flashSale = async (api: ApiClient, run: string, tally: Tally): Promise<void> => {
  const sku = `${FLASH_SKU}-${run}`;
  const receipt = { receiptId: run, sku, quantity: FLASH_UNITS };
  await expectStatus('flash stock', api.post('/v1/locations/central/receipts', receipt), 200, 201);
  const buyers = Array.from({ length: FLASH_BUYERS }, (_, index) => index);
  let sold = 0;
  await inParallel(buyers, FLASH_BUYERS, async (index) => {
    const body = {
      channel: 'web',
      externalId: `${run}-flash-${index}`,
      currency: 'EUR',
      lines: [{ sku, quantity: 1, unitPrice: '1.00' }],
    };
    const answer = await expectStatus('flash order', api.post('/v1/orders', body), 200, 201);
    if (answer.body.status === 'confirmed') sold += 1;
    count(tally, `flash sale ${String(answer.body.status)}`);
  });
  if (sold !== FLASH_UNITS) throw new Error(`the flash sale sold ${sold} of ${FLASH_UNITS} units`);
};
