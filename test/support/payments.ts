import { channel } from '../../src/domain/channel.js';
import type { OrderCommand, PlaceOrder } from '../../src/domain/order.js';
import type { PaymentCommand } from '../../src/domain/order-payment-commands.js';
import type { TenderKind } from '../../src/domain/payment-events.js';
import { orderIdOf } from '../../src/domain/stream-id.js';
import type { PaymentProcess } from '../../src/processes/payment-process.js';
import type { CommandBus, CommandContext } from '../../src/runtime/command-bus.js';
import { DUE_AT } from './orders.js';

/** Payments to test with: by card, of `p`, unless said otherwise. Amounts are decimal strings. */
type Of<Type extends PaymentCommand['type']> = PaymentCommand & { readonly type: Type };

export const start = (amount: string, more: Partial<Of<'start-payment'>> = {}): Of<'start-payment'> => ({
  type: 'start-payment',
  paymentId: 'p',
  tender: { kind: 'card' },
  amount,
  ...more,
});
export const authorise = (
  amount: string,
  paymentId = 'p',
  kind: TenderKind = 'card',
): Of<'authorise-payment'> => ({ type: 'authorise-payment', paymentId, tender: { kind }, amount });
export const capture = (
  amount: string,
  captureId = 'c',
  more: Partial<Of<'capture-payment'>> = {},
): Of<'capture-payment'> => ({
  type: 'capture-payment',
  paymentId: 'p',
  captureId,
  amount,
  tender: { kind: 'card' },
  ...more,
});
export const requestRefund = (amount: string, refundId = 'r', paymentId = 'p'): Of<'request-refund'> => ({
  type: 'request-refund',
  paymentId,
  refundId,
  amount,
  reason: 'too small',
});
export const refund = (amount: string, refundId = 'r', paymentId = 'p'): Of<'refund-payment'> => ({
  type: 'refund-payment',
  paymentId,
  refundId,
  amount,
  reason: 'too small',
});
export const chargeBack = (
  amount: string,
  chargebackId = 'b',
  paymentId = 'p',
): Of<'charge-back-payment'> => ({
  type: 'charge-back-payment',
  paymentId,
  chargebackId,
  amount,
  reason: 'not recognised',
});

interface Desk {
  readonly bus: CommandBus;
  readonly payments: PaymentProcess;
}

/**
 * Every kind of payment fact, on orders of 10.00 EUR of the channel `kiosk`: through the trial provider and told from outside, in time and too
 * late.
 */
export const payEverything = async (
  { bus, payments }: Desk,
  open: (externalId: string, more: Partial<PlaceOrder>) => Promise<unknown>,
): Promise<void> => {
  let commands = 0;
  const context = (): CommandContext => {
    commands += 1;
    const id = `pay-${commands}`;
    return { commandId: id, correlationId: id, actor: 'cashier', effectiveAt: '2026-03-31T22:40:00.000Z' };
  };
  const pay = (externalId: string, command: OrderCommand) =>
    payments.execute(orderIdOf('kiosk', externalId), command, context());
  const { state } = await bus.load(channel, 'kiosk');
  if (state === null) throw new Error('there is no channel kiosk');
  const { review: _, ...settings } = state;
  await bus.execute(
    channel,
    'kiosk',
    { type: 'configure', settings: { ...settings, refunds: 'automatic' } },
    context(),
  );

  const onPayment = { confirm: 'payment' } as const;
  await open('paid', onPayment);
  const card = { tender: { kind: 'card', reference: 'decline:no "money"' }, provider: 'trial' } as const;
  await pay('paid', start('10.00', { ...card, paymentId: 'p\\1', expiresAt: '2026-04-01T00:00:00Z' }));
  await pay('paid', start('10.00', { paymentId: 'p2', provider: 'trial' }));
  await pay('paid', { type: 'request-capture', paymentId: 'p2', captureId: 'c1', amount: '6.00' });
  await pay('paid', { type: 'request-capture', paymentId: 'p2', captureId: 'c2', amount: '4.00' });
  await pay('paid', { type: 'ship', shipmentId: 's' });
  await pay('paid', requestRefund('2.50', 'r1', 'p2'));
  await pay('paid', chargeBack('10.00', 'b1', 'p2'));

  await open('late', { ...onPayment, expiresAt: DUE_AT });
  await pay('late', start('10.00', { paymentId: 'p1', provider: 'trial' }));
  await pay('late', { type: 'cancel', cancellationId: 'k', reason: 'changed their mind' });
  await open('failing', { confirm: 'explicit' });
  const stubborn = { tender: { kind: 'wallet', reference: 'decline-capture' }, provider: 'trial' } as const;
  await pay('failing', start('4.00', { ...stubborn, paymentId: 'p1' }));
  await pay('failing', { type: 'request-capture', paymentId: 'p1', captureId: 'c', amount: '4.00' });
  const noWayBack = { tender: { kind: 'wallet', reference: 'decline-refund' }, provider: 'trial' } as const;
  await pay('failing', start('6.00', { ...noWayBack, paymentId: 'p2' }));
  await pay('failing', { type: 'request-capture', paymentId: 'p2', captureId: 'c', amount: '6.00' });
  await pay('failing', { type: 'cancel', cancellationId: 'k', reason: 'changed their mind' });

  await open('outside', { confirm: 'explicit', expiresAt: DUE_AT });
  const bank = { paymentId: 'bank', tender: { kind: 'bank_transfer' } } as const;
  await pay('outside', start('10.00', { ...bank, expiresAt: '2026-04-02T00:00:00.123456Z' }));
  await pay('outside', { type: 'fail-payment', paymentId: 'bank', code: 'timeout', reason: 'nothing came' });
  await pay('outside', { type: 'expire', dueAt: '2026-04-02T00:00:00.123Z' });
  await pay('outside', capture('10.00', 'c', bank));
  await pay('outside', refund('3.00', 'r1', 'bank'));
  await open('till', { confirm: 'auto' });
  await pay('till', capture('12.00', 'c', { paymentId: 'cash', tender: { kind: 'cash' } }));
  await pay('till', refund('2.00', 'r1', 'cash'));
};
