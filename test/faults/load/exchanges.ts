import { cancel, deliver } from './deliveries.js';
import { someGoods, talkOf } from './place.js';
import { isDone, type Talk } from './talk.js';

/** The credit of a return goes into a new order, which is then delivered, cancelled, or left to itself. */
export const exchange = async (talk: Talk, returnId: string): Promise<void> => {
  const { dice, channel } = talk;
  const id = `${talk.id}-x`;
  const answer = await talk.act({
    kind: 'exchange',
    below: 'exchanges',
    eventType: 'OrderExchangeAgreed',
    businessId: 'x1',
    body: {
      exchangeId: 'x1',
      returnId,
      externalId: id,
      lines: [someGoods(dice, 1)],
      ...(dice.chance(0.2) ? { credit: '0.50' } : {}),
    },
  });
  if (!isDone(answer) || answer.body.order === undefined) return;
  const next = talkOf(talk, channel, id);
  next.see({ ...answer, body: answer.body.order as Record<string, unknown> });
  if (next.view?.status !== 'confirmed') return;
  if (dice.chance(0.2)) await cancel(next, 'c1');
  else if (dice.chance(0.9)) await deliver(next);
};
