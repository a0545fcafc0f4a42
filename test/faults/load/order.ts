import { capture, giveBack } from './captures.js';
import { change } from './changes.js';
import { cancel, deliver } from './deliveries.js';
import { exchange } from './exchanges.js';
import { type Paid, pay } from './payments.js';
import { place, talkOf } from './place.js';
import { allow, returnAtOnce, returnByRequest } from './returns.js';
import { resolveReviews, review } from './reviews.js';
import { CHANNELS } from './shop.js';
import { isDone, type Talk } from './talk.js';

/** Whether somebody goes on with it: an order that waits is confirmed, or forgotten and left to expire. */
const confirm = async (talk: Talk): Promise<boolean> => {
  if (talk.dice.chance(0.3)) return false;
  return isDone(
    await talk.act({
      kind: 'confirm',
      below: 'confirm',
      eventType: 'OrderConfirmed',
      businessId: '',
      body: {},
    }),
  );
};

/** Another location may deliver what is short: whoever sold it already looks for it everywhere. */
const lookElsewhere = async (talk: Talk): Promise<void> => {
  const location = talk.channel.sources.includes('east') ? 'west' : 'east';
  if (talk.view?.short.length === 0 || talk.channel.sources.includes(location)) return;
  await talk.act({
    kind: 'extend_sources',
    below: 'allocations',
    eventType: 'OrderSourcesExtended',
    businessId: location,
    body: { location, reason: 'sold already' },
  });
};

/** What happens between the placement and the first parcel. */
const before = async (talk: Talk): Promise<boolean> => {
  const { dice, channel } = talk;
  await resolveReviews(talk);
  if (channel.shortage === 'shortfall' && dice.chance(0.7)) await lookElsewhere(talk);
  if (dice.chance(0.12)) {
    await review(talk, 'h1');
    if (dice.chance(0.5)) await change(talk, 'g0');
    await resolveReviews(talk);
  }
  if (dice.chance(0.3)) {
    const rival = dice.chance(0.1) ? cancel(talk, 'c-rival-1', talk.open()[0]?.line) : undefined;
    await Promise.all([change(talk, 'g1'), rival]);
    if (dice.chance(0.3)) await change(talk, 'g2');
  }
  if (dice.chance(0.12)) {
    const part = dice.chance(0.6) ? talk.open()[0]?.line : undefined;
    await cancel(talk, 'c1', part);
    if (part === undefined) return false;
  }
  return dice.chance(0.9);
};

/** What happens once the goods are at the customer. */
const after = async (talk: Talk, paid: readonly Paid[]): Promise<void> => {
  const { dice } = talk;
  if (talk.delivered().length === 0) return;
  if (dice.chance(0.15)) await allow(talk, 'w1');
  if (dice.chance(0.5)) {
    const credited = dice.chance(0.4) ? await returnAtOnce(talk) : await returnByRequest(talk);
    if (credited !== undefined && talk.patient && dice.chance(0.4)) await exchange(talk, credited);
  }
  if (dice.chance(0.15)) await allow(talk, 'w2');
  if (dice.chance(0.5)) await giveBack(talk, paid);
};

/** One customer of one channel, from the placement to whatever comes last. */
export const order = async (
  of: Pick<Talk, 'send' | 'dice' | 'patient'>,
  id: string,
  round: number,
): Promise<void> => {
  const { dice } = of;
  const talk = talkOf(of, dice.pick(CHANNELS), id);
  const customer = dice.chance(0.4) ? { customerId: `customer-${dice.between(1, 8)}` } : {};
  const placed = await place(talk, { round, customer, linesMax: 3 });
  if (!isDone(placed) || placed.body.status === 'rejected') return;
  const { confirm: policy, handover } = talk.channel;
  const pays = policy === 'payment' ? dice.chance(0.9) : dice.chance(0.3);
  const paid = pays ? await pay(talk) : [];
  if (dice.chance(0.3)) await capture(talk, paid);
  if (policy === 'explicit' && !(await confirm(talk))) return;
  if (handover !== 'at-once') {
    if (!(await before(talk))) return giveBack(talk, paid);
    await deliver(talk);
  }
  await capture(talk, paid);
  await after(talk, paid);
};
