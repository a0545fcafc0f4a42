import { setTimeout as sleep } from 'node:timers/promises';
import { createDice, type Dice } from '../../src/cli/demo/random.js';
import type { Client } from './client.js';
import type { Command, CommandKind, Recorded } from './history.js';

/** What channels, warehouses and customers do in one round. Scarce stock, few SKUs: they get in each other's way. */
export const LOCATIONS = ['east', 'west'] as const;
const SKUS = Array.from({ length: 10 }, (_, index) => `SKU-${index}`);
const CHANNELS = [
  { id: 'web', currency: 'EUR', sources: ['east', 'west'], confirm: 'auto' },
  { id: 'market', currency: 'EUR', sources: ['west', 'east'], confirm: 'explicit' },
  { id: 'store', currency: 'GBP', sources: ['east'], confirm: 'auto' },
] as const;
export const EXPIRES_IN_SECONDS = 2;
const COUPON_LIMIT = 6;

const EXTRA_CUSTOMERS_MAX = 600;
const EXTRA_EVERY_MS = 100;

type Send = (
  kind: CommandKind,
  spec: Omit<Command, 'round' | 'kind' | 'method'>,
) => Promise<Recorded['answer']>;
const enc = encodeURIComponent;

export interface LoadOptions {
  readonly client: Client;
  readonly round: number;
  readonly seed: number;
  readonly customers: number;
  readonly concurrency: number;
  /** Whether the faults are through; until then more customers come, slowly, up to {@link EXTRA_CUSTOMERS_MAX} more. */
  readonly enough: () => boolean;
  /** Called when a command was sent for the first time; how many it were so far. */
  readonly onSent: (commands: number) => void;
}

export const setUpShop = async (client: Client): Promise<void> => {
  const put = async (path: string, body: Record<string, unknown>): Promise<void> => {
    const command = { round: 0, kind: 'setup', method: 'PUT', path, body, key: undefined } as const;
    const answer = await client.send({ ...command, stream: '', eventType: '', businessId: '' });
    if (answer === undefined || answer.status > 201) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  };
  for (const id of LOCATIONS) await put(`/v1/locations/${id}`, { name: id });
  for (const { id, currency, sources, confirm } of CHANNELS) {
    const expiry = confirm === 'explicit' ? { expiresInSeconds: EXPIRES_IN_SECONDS } : {};
    await put(`/v1/channels/${id}`, {
      name: id,
      timeZone: 'Europe/London',
      currencies: [currency],
      sources,
      confirm,
      ...expiry,
    });
  }
};

const couponOf = (round: number): string => `OFF-${round}`;

const receive = (send: Send, dice: Dice, id: string) => {
  const location = dice.pick(LOCATIONS);
  const sku = dice.pick(SKUS);
  return send('receive', {
    path: `/v1/locations/${location}/receipts`,
    body: { receiptId: id, sku, quantity: dice.between(3, 12) },
    key: undefined,
    stream: `stock-${location}~${sku}`,
    eventType: 'StockReceived',
    businessId: id,
  });
};

const adjust = (send: Send, dice: Dice, id: string) => {
  const location = dice.pick(LOCATIONS);
  const sku = dice.pick(SKUS);
  return send('adjust', {
    path: `/v1/locations/${location}/adjustments`,
    body: { adjustmentId: id, sku, delta: dice.chance(0.7) ? -dice.between(1, 3) : 2, reason: 'counted' },
    key: `${id}-key`,
    stream: `stock-${location}~${sku}`,
    eventType: 'StockAdjusted',
    businessId: id,
  });
};

const order = async (send: Send, dice: Dice, id: string, round: number): Promise<void> => {
  const channel = dice.pick(CHANNELS);
  const goods = Array.from({ length: dice.between(1, 3) }, () => ({
    sku: dice.pick(SKUS),
    quantity: dice.between(1, 3),
    unitPrice: `${dice.between(1, 40)}.${dice.between(10, 99)}`,
  }));
  const coupons = channel.currency === 'EUR' && dice.chance(0.35) ? [couponOf(round)] : [];
  const postage = dice.chance(0.5)
    ? [{ kind: 'charge', sku: 'POST', account: 'postage', quantity: 1, unitPrice: '3.90' }]
    : [];
  const stream = `order-${channel.id}~${id}`;
  const path = `/v1/orders/${enc(`${channel.id}~${id}`)}`;
  const body = {
    channel: channel.id,
    externalId: id,
    currency: channel.currency,
    coupons,
    lines: [...goods, ...postage],
  };
  const place = {
    path: '/v1/orders',
    body,
    key: dice.chance(0.5) ? `${id}-place` : undefined,
    stream,
    eventType: 'OrderPlaced',
    businessId: '',
  };
  // A channel that delivers twice, at the same time and later.
  const twice = dice.chance(0.12) ? send('place', place) : undefined;
  const [placed] = await Promise.all([send('place', place), twice]);
  if (dice.chance(0.08)) await send('place', place);
  const status = placed?.body.status;
  if (placed === undefined || status === 'rejected') return;

  const act = (
    kind: CommandKind,
    below: string,
    eventType: string,
    businessId: string,
    more: Record<string, unknown>,
  ) => {
    const spec = {
      path: `${path}/${below}`,
      body: more,
      key: `${id}-${kind}-${businessId}`,
      stream,
      eventType,
      businessId,
    };
    return dice.chance(0.1)
      ? Promise.all([send(kind, spec), send(kind, spec)]).then(([one]) => one)
      : send(kind, spec);
  };
  if (channel.confirm === 'explicit') {
    if (dice.chance(0.35)) return;
    const confirmed = await act('confirm', 'confirm', 'OrderConfirmed', '', {});
    if (confirmed === undefined || confirmed.status >= 400) return;
  }
  const first = goods[0];
  if (first === undefined) return;
  if (dice.chance(0.15)) {
    const part = dice.chance(0.5) ? { lines: [{ lineId: '1', quantity: 1 }] } : {};
    await act('cancel', 'cancellations', 'OrderLinesCancelled', 'c1', {
      cancellationId: 'c1',
      reason: 'changed mind',
      ...part,
    });
    if (part.lines === undefined) return;
  }
  if (dice.chance(0.2)) return;
  if (goods.length > 1 && dice.chance(0.4)) {
    const part = { shipmentId: 's1', lines: [{ lineId: '2', quantity: 1 }] };
    await act('ship', 'shipments', 'OrderShipped', 's1', part);
  }
  const shipped = await act('ship', 'shipments', 'OrderShipped', 's2', { shipmentId: 's2' });
  if (shipped === undefined || shipped.status >= 400 || !dice.chance(0.3)) return;
  const back = {
    returnId: 'r1',
    reason: 'did not fit',
    lines: [{ lineId: goods.length > 1 ? '2' : '1', quantity: 1 }],
  };
  await act('return', 'returns', 'OrderReturned', 'r1', back);
};

/** Runs the round's customers, `concurrency` at a time; resolves when each is through or has lost patience. */
export const runLoad = async (options: LoadOptions): Promise<void> => {
  const { client, round, seed, customers, concurrency, enough, onSent } = options;
  let sent = 0;
  const send: Send = (kind, spec) => {
    sent += 1;
    onSent(sent);
    return client.send({ round, kind, method: 'POST', ...spec });
  };
  const code = couponOf(round);
  const discount = { kind: 'amount', amount: '3.00', currency: 'EUR' };
  const issuing = send('issue', {
    path: '/v1/coupons',
    body: { code, discount, limit: COUPON_LIMIT },
    key: undefined,
    stream: `coupon-${code}`,
    eventType: 'CouponIssued',
    businessId: '',
  });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < customers + EXTRA_CUSTOMERS_MAX; index = next++) {
      if (index >= customers) {
        if (enough()) return;
        await sleep(EXTRA_EVERY_MS * concurrency);
      }
      const dice = createDice((seed * 1_000_003 + round * 7_919 + index) >>> 0);
      const id = `${round}-${index}`;
      // The first ones bring the goods that the others buy.
      if (index < 14 || dice.chance(0.12)) await receive(send, dice, `receipt-${id}`);
      else if (dice.chance(0.06)) await adjust(send, dice, `adjustment-${id}`);
      else await order(send, dice, id, round);
    }
  };
  await Promise.all([issuing, ...Array.from({ length: concurrency }, worker)]);
};
