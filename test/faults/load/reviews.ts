import { isDone, type Talk } from './talk.js';

const resolve = (talk: Talk, holdId: string) => {
  const { dice } = talk;
  const outcome = dice.chance(0.8) ? 'released' : 'rejected';
  return talk.act({
    kind: 'resolve',
    below: `reviews/${encodeURIComponent(holdId)}/resolution`,
    eventType: 'OrderHoldResolved',
    businessId: holdId,
    body: { outcome, reason: 'looked at' },
  });
};

/** Somebody holds the order, or a line of it, by hand. */
export const review = async (talk: Talk, holdId: string): Promise<void> => {
  const { dice } = talk;
  const open = talk.open();
  const [first] = open;
  const blocks = talk.view?.status === 'reserved' && dice.chance(0.5) ? ['confirm', 'ship'] : ['ship'];
  const lines = first !== undefined && dice.chance(0.4) ? { lines: [first.line.lineId] } : {};
  await talk.act({
    kind: 'review',
    below: 'reviews',
    eventType: 'OrderHeld',
    businessId: holdId,
    body: { holdId, holdType: 'price', blocks, role: 'finance', reason: 'looks odd', ...lines },
  });
};

/** Resolves what is open, most of the time; the rest expires, lapses, or keeps its goods here. */
export const resolveReviews = async (talk: Talk): Promise<void> => {
  for (const { holdId, resolution } of talk.view?.reviews ?? []) {
    if (resolution !== undefined || talk.resolved.has(holdId) || talk.dice.chance(0.15)) continue;
    talk.resolved.add(holdId);
    const answer = await resolve(talk, holdId);
    if (!isDone(answer) || talk.view?.status === 'cancelled') return;
  }
};
