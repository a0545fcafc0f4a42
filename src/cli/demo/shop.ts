import { type ApiClient, expectStatus, inParallel } from './client.js';

/** The demo's shop: 3 channels, 3 locations, 60 SKUs, two coupons. Setting it up again tops the stock up. */
export interface Channel {
  readonly id: string;
  readonly currency: string;
  readonly explicit: boolean;
}

export const CHANNELS: readonly Channel[] = [
  { id: 'web', currency: 'EUR', explicit: false },
  { id: 'marketplace', currency: 'EUR', explicit: true },
  { id: 'store', currency: 'GBP', explicit: false },
];
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  web: ['central', 'north'],
  marketplace: ['central', 'north'],
  store: ['high-street'],
};
const LOCATIONS = ['central', 'north', 'high-street'];
export const EXPIRES_IN_SECONDS = 3;
export const FLASH_SKU = 'FLASH-20';

export interface Product {
  readonly sku: string;
  readonly price: string;
}

const KINDS = ['SHIRT', 'MUG', 'LAMP', 'BOOK', 'CHAIR'];
const COLOURS = [
  'red',
  'green',
  'blue',
  'white',
  'black',
  'grey',
  'teal',
  'sand',
  'rust',
  'plum',
  'mint',
  'navy',
];

export const PRODUCTS: readonly Product[] = KINDS.flatMap((kind, k) =>
  COLOURS.map((colour, c) => ({
    sku: `${kind}-${colour}`,
    price: `${4 + 3 * k + c}.${c % 2 === 0 ? '99' : '50'}`,
  })),
);

export const setUpShop = async (api: ApiClient, run: string): Promise<void> => {
  for (const id of LOCATIONS) {
    await expectStatus(
      `location ${id}`,
      api.put(`/v1/locations/${id}`, { name: id, country: 'DE' }),
      200,
      201,
    );
  }
  for (const { id, currency, explicit } of CHANNELS) {
    const settings = {
      name: id,
      timeZone: currency === 'GBP' ? 'Europe/London' : 'Europe/Berlin',
      currencies: [currency],
      sources: SOURCES[id],
      confirm: explicit ? 'explicit' : 'auto',
      ...(explicit ? { expiresInSeconds: EXPIRES_IN_SECONDS } : {}),
    };
    await expectStatus(`channel ${id}`, api.put(`/v1/channels/${id}`, settings), 200, 201);
  }
  const receipts = LOCATIONS.flatMap((location, l) =>
    PRODUCTS.map(({ sku }, p) => ({ location, sku, quantity: 4 + ((p * 7 + l * 5) % 12) })),
  );
  await inParallel(receipts, 16, async ({ location, sku, quantity }) => {
    const receipt = { receiptId: `${run}-${sku}`, sku, quantity };
    await expectStatus(`receipt ${sku}`, api.post(`/v1/locations/${location}/receipts`, receipt), 200, 201);
  });
  const coupons = [
    { code: 'WELCOME10', discount: { kind: 'percent', percent: '10' }, limit: 1_000_000 },
    {
      code: `FIVE-OFF-${run}`,
      discount: { kind: 'amount', amount: '5.00', currency: 'EUR' },
      limit: 15,
      channels: ['web'],
    },
  ];
  for (const coupon of coupons) {
    await expectStatus(`coupon ${coupon.code}`, api.post('/v1/coupons', coupon), 200, 201);
  }
};
