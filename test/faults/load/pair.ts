import { cancel, deliver } from './deliveries.js';
import { place, talkOf } from './place.js';
import { CHANNELS } from './shop.js';
import type { Talk } from './talk.js';

const CHANNEL = CHANNELS.find(({ id }) => id === 'store');

/** A customer of two orders that leave as one shipment, unless one of them is cancelled at that moment. */
export const pair = async (
  of: Pick<Talk, 'send' | 'dice' | 'patient'>,
  id: string,
  round: number,
): Promise<void> => {
  const { dice, send } = of;
  if (CHANNEL === undefined) return;
  const customer = { customerId: `customer-${id}`, destination: { country: 'GB', postalCode: 'N1 9GU' } };
  const talks = ['a', 'b'].map((which) => talkOf(of, CHANNEL, `${id}${which}`));
  for (const talk of talks) await place(talk, { round, customer, linesMax: 1 });
  const [first, second] = talks.filter(({ view }) => view?.status === 'confirmed');
  if (first === undefined) return;
  // Of two that cannot leave together, one leaves alone.
  if (second === undefined) return deliver(first);
  const consignmentId = `with-${id}`;
  const consign = () =>
    send('consign', {
      path: '/v1/consignments',
      body: { channel: CHANNEL.id, consignmentId, location: 'east', orders: [first.orderId, second.orderId] },
      key: dice.chance(0.5) ? `${consignmentId}-key` : undefined,
      stream: `consignment-${CHANNEL.id}~${consignmentId}`,
      eventType: 'ConsignmentPlanned',
      businessId: '',
    });
  const rival = dice.chance(0.3) ? cancel(second, 'c1') : undefined;
  // Not with a rival as well: of two that are sent at once one may then come too late, and the other not.
  const again = rival === undefined && dice.chance(0.2) ? consign() : undefined;
  await Promise.all([consign(), rival, again]);
};
