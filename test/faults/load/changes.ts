import { SKUS } from './shop.js';
import { isDone, type Talk } from './talk.js';

/** What a customer wants otherwise, of what is open. */
const actionOf = (talk: Talk, newLine: string): Record<string, unknown> => {
  const { dice } = talk;
  const open = talk.open();
  const some = open.length === 0 ? undefined : dice.pick(open);
  const unitPrice = `${dice.between(1, 40)}.50`;
  const add = {
    kind: 'add',
    line: { lineId: newLine, kind: 'goods', sku: dice.pick(SKUS), quantity: 1, unitPrice, tax: '0.10' },
  };
  const address = { kind: 'address', destination: { country: 'FR', postalCode: `${dice.between(1, 9)}0` } };
  if (some === undefined) return dice.chance(0.5) ? add : address;
  const { lineId } = some.line;
  const reason = 'the wrong price';
  return dice.pick([
    add,
    address,
    { kind: 'reduce', lineId, quantity: 1 },
    { kind: 'reprice', lineId, newLineId: newLine, unitPrice, tax: '0.20', reason },
  ]);
};

/** A change is proposed and answered; whoever ships or cancels meanwhile may make it impossible. */
export const change = async (talk: Talk, changeId: string): Promise<void> => {
  const { dice } = talk;
  // The only unit of an order cannot be reduced away: that would be its cancellation.
  const left = talk.open().reduce((sum, { open }) => sum + open, 0);
  const action = actionOf(talk, `${changeId}-new`);
  const actions = action.kind === 'reduce' && left < 2 ? [{ ...addressTo('IE') }] : [action];
  const body = { changeId, reason: 'asked by phone', actions };
  const proposed = await talk.act({
    kind: 'propose',
    below: 'changes',
    eventType: 'OrderChangeProposed',
    businessId: changeId,
    body,
  });
  if (!isDone(proposed) || dice.chance(0.1)) return;
  const answer = dice.chance(0.2)
    ? talk.act({
        kind: 'decline_change',
        below: `changes/${changeId}/refusal`,
        eventType: 'OrderChangeDeclined',
        businessId: changeId,
        body: { reason: 'not wanted' },
      })
    : talk.act({
        kind: 'confirm_change',
        below: `changes/${changeId}/confirmation`,
        eventType: 'OrderChangeConfirmed',
        businessId: changeId,
        body: {},
      });
  await answer;
};

const addressTo = (country: string) => ({ kind: 'address', destination: { country } });
