import type { Client } from '../client.js';

/** What is sold where. Scarce stock, few SKUs: customers get in each other's way. */
export const LOCATIONS = ['east', 'west'] as const;
export const SKUS = Array.from({ length: 10 }, (_, index) => `SKU-${index}`);
export const EXPIRES_IN_SECONDS = 2;
/** Longer than a payment takes in a house that is whole, and shorter than in one that is not. */
const PAID_IN_SECONDS = 3;

export interface Channel {
  readonly id: string;
  readonly currency: 'EUR' | 'GBP';
  readonly sources: readonly string[];
  readonly confirm: 'auto' | 'explicit' | 'payment';
  readonly shortage?: 'ship-available' | 'backorder' | 'shortfall';
  readonly handover?: 'at-once';
  readonly expiresInSeconds?: number;
  readonly refunds?: 'automatic';
}

const BOTH = ['east', 'west'];
const explicit = { confirm: 'explicit', expiresInSeconds: EXPIRES_IN_SECONDS } as const;
const payment = { confirm: 'payment', expiresInSeconds: PAID_IN_SECONDS, refunds: 'automatic' } as const;

/** One of each way to sell; `store` has one location, so that its orders can leave together. */
export const CHANNELS: readonly Channel[] = [
  { id: 'web', currency: 'EUR', sources: BOTH, confirm: 'auto' },
  { id: 'market', currency: 'EUR', sources: ['west', 'east'], ...explicit },
  { id: 'store', currency: 'GBP', sources: ['east'], confirm: 'auto' },
  { id: 'paid', currency: 'EUR', sources: BOTH, ...payment },
  { id: 'checked', currency: 'EUR', sources: BOTH, confirm: 'auto' },
  { id: 'wholesale', currency: 'EUR', sources: BOTH, confirm: 'auto', shortage: 'backorder' },
  { id: 'outlet', currency: 'GBP', sources: BOTH, confirm: 'auto', shortage: 'ship-available' },
  { id: 'bay', currency: 'EUR', sources: ['west'], confirm: 'auto', shortage: 'shortfall' },
  { id: 'till', currency: 'GBP', sources: ['east'], confirm: 'auto', handover: 'at-once' },
];

/** Rules of the channel `checked`; what they are over differs by round, so that they get new versions. */
export const rulesOf = (round: number) => ({
  keepSeconds: PAID_IN_SECONDS,
  rules: [
    {
      id: 'dear',
      holdType: 'credit',
      blocks: ['confirm', 'ship'],
      role: 'finance',
      when: { kind: 'amount', currency: 'EUR', over: `${40 + (round % 5) * 10}.00` },
    },
    {
      id: 'many',
      holdType: 'review',
      blocks: ['ship'],
      role: 'warehouse',
      when: { kind: 'quantity', over: 2 },
    },
    { id: 'new', holdType: 'fraud', blocks: ['confirm'], role: 'channel', when: { kind: 'first-order' } },
  ],
});

const put = async (client: Client, path: string, body: Record<string, unknown>) => {
  const command = { round: 0, kind: 'setup', method: 'PUT', path, body, key: undefined } as const;
  return client.send({ ...command, stream: '', eventType: '', businessId: '' });
};

export const setRules = (client: Client, round: number) =>
  put(client, '/v1/channels/checked/review-rules', rulesOf(round));

export const setUpShop = async (client: Client): Promise<void> => {
  const sure = async (path: string, body: Record<string, unknown>): Promise<void> => {
    const answer = await put(client, path, body);
    if (answer === undefined || answer.status > 201) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  };
  for (const id of LOCATIONS) await sure(`/v1/locations/${id}`, { name: id });
  for (const { id, currency, ...settings } of CHANNELS) {
    const names = { name: id, timeZone: 'Europe/London', currencies: [currency] };
    await sure(`/v1/channels/${id}`, { ...names, ...settings });
  }
  await sure('/v1/channels/checked/review-rules', rulesOf(0));
};
