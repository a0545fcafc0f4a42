import { channel } from '../../src/domain/channel.js';
import { location } from '../../src/domain/location.js';
import type { OrderCommand, PlaceOrder } from '../../src/domain/order.js';
import { stock } from '../../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../../src/domain/stream-id.js';
import type { House } from '../../src/main.js';
import { type LineInput, place } from '../support/orders.js';
import { context } from '../support/process-spec.js';

/** Orders that are held in parts and changed, of a channel, a location and a currency of their own. */
export const tradeInParts = async ({ bus, orders }: Pick<House, 'bus' | 'orders'>): Promise<void> => {
  await bus.execute(location, 'outlet', { type: 'configure', settings: { name: 'Outlet' } }, context());
  await bus.execute(
    channel,
    'market',
    {
      type: 'configure',
      settings: {
        name: 'Market',
        timeZone: 'Europe/Berlin',
        currencies: ['EUR'],
        sources: ['main'],
        confirm: 'auto',
        kind: 'marketplace',
        shortage: 'shortfall',
        handover: 'later',
      },
    },
    context(),
  );
  for (const [sku, quantity] of [
    ['D', 4],
    ['E', 9],
  ] as const) {
    const receive = { type: 'receive', receiptId: 'r', quantity } as const;
    await bus.execute(stock, stockIdOf('outlet', sku), receive, context());
  }
  const open = (externalId: string, lines: readonly LineInput[], more: Partial<PlaceOrder>) => {
    const common = {
      channel: 'market',
      externalId,
      currency: 'EUR',
      confirm: 'auto',
      contentHash: externalId,
    } as const;
    const { expiresAt: _, ...placing } = place(lines, { ...common, sources: ['outlet'], ...more });
    return orders.execute(orderIdOf('market', externalId), placing, context());
  };
  const partsId = orderIdOf('market', 'in parts');
  const parts = (command: OrderCommand) => orders.execute(partsId, command, context());

  // Nothing at first, then what there is at a location that is added.
  await open('in parts', [{ lineId: 'l1', sku: 'D', quantity: 9, unitPrice: '2.00', tax: '0.09' }], {
    shortage: 'backorder',
    sources: ['main'],
    gift: true,
    guest: true,
    priority: { level: 1, reason: 'late, "twice"' },
    requestedDelivery: { from: '2026-04-02', to: '2026-04-03' },
    assistedBy: 'staff 7',
  });
  await parts({ type: 'extend-sources', locations: ['outlet'], reason: 'found, "there"' });
  await orders.advance(partsId, context());
  // A change that is done, one that is not to be, and one that waits.
  const add = { lineId: 'l2', kind: 'goods', sku: 'E', quantity: 1, unitPrice: '1.50', tax: '0.10' } as const;
  await parts({
    type: 'propose-change',
    changeId: 'ch 1',
    reason: 'called, "again"',
    actions: [
      { kind: 'add', line: add },
      { kind: 'reduce', lineId: 'l1', quantity: 2 },
      { kind: 'address', destination: { country: 'FR', postalCode: '75001' } },
    ],
  });
  await parts({ type: 'confirm-change', changeId: 'ch 1' });
  const reprice = {
    kind: 'reprice',
    lineId: 'l2',
    newLineId: 'l3',
    unitPrice: '1',
    tax: '0',
    reason: 'x',
  } as const;
  await parts({ type: 'propose-change', changeId: 'ch 2', reason: 'price', actions: [reprice] });
  await parts({ type: 'decline-change', changeId: 'ch 2', reason: 'no, "never"' });
  await parts({ type: 'propose-change', changeId: 'ch 3', reason: 'open', actions: [reprice] });
  await parts({ type: 'ship', shipmentId: 's1' });

  const partly = [
    { lineId: 'l1', sku: 'E', quantity: 2 },
    { lineId: 'l2', sku: 'none' },
  ];
  await open('till', partly, { shortage: 'shortfall', handover: 'at-once' });
  await open('what there is', partly, { shortage: 'ship-available' });
};
