import type { CommandKind } from '../history.js';
import { amountOf, isDone, type Talk } from './talk.js';

type Step = readonly [kind: CommandKind, below: string, eventType: string];
const STEPS = {
  authorise: ['authorise_return', '/authorisation', 'OrderReturnAuthorised'],
  receive: ['receive_return', '/receipt', 'OrderReturnReceived'],
  inspect: ['inspect_return', '/inspection', 'OrderReturnInspected'],
  credit: ['credit_return', '/credit', 'OrderReturned'],
  refuse: ['refuse_return', '/refusal', 'OrderReturnRefused'],
} as const satisfies Record<string, Step>;

const ID = 'q1';
const step = (talk: Talk, name: keyof typeof STEPS, body: Record<string, unknown>) => {
  const [kind, below, eventType] = STEPS[name];
  return talk.act({ kind, below: `return-requests/${ID}${below}`, eventType, businessId: ID, body });
};

/** What of a line is at the customer, and so can come back. */
const some = (talk: Talk): { readonly lineId: string; readonly quantity: number } | undefined => {
  const delivered = talk.delivered();
  if (delivered.length === 0) return undefined;
  const { line, units } = talk.dice.pick(delivered);
  return { lineId: line.lineId, quantity: talk.dice.between(1, units) };
};

/** Over the counter, without a request. The id of the return, where it is credited. */
export const returnAtOnce = async (talk: Talk): Promise<string | undefined> => {
  const line = some(talk);
  if (line === undefined) return undefined;
  const to = talk.dice.chance(0.3) ? { location: talk.dice.pick(['east', 'west']) } : {};
  const answer = await talk.act({
    kind: 'return',
    below: 'returns',
    eventType: 'OrderReturned',
    businessId: 'r1',
    body: { returnId: 'r1', reason: 'did not fit', lines: [line], ...to },
  });
  return isDone(answer) ? 'r1' : undefined;
};

/** Step by step; it may be refused at any of them, and of what was sent not all need come. As above. */
export const returnByRequest = async (talk: Talk): Promise<string | undefined> => {
  const { dice } = talk;
  const asked = some(talk);
  if (asked === undefined) return undefined;
  const { lineId } = asked;
  const requested = await talk.act({
    kind: 'request_return',
    below: 'return-requests',
    eventType: 'OrderReturnRequested',
    businessId: ID,
    body: { returnId: ID, reason: 'broken', lines: [asked] },
  });
  if (!isDone(requested)) return undefined;
  const refuse = async (): Promise<undefined> => void (await step(talk, 'refuse', { reason: 'too late' }));
  if (dice.chance(0.12)) return refuse();
  const later = dice.chance(0.4);
  const creditOn = later ? { creditOn: 'command' } : {};
  if (!isDone(await step(talk, 'authorise', { instructions: 'send it', ...creditOn }))) return undefined;
  if (dice.chance(0.1)) return refuse();
  const came = dice.between(1, asked.quantity);
  const receipt = { location: dice.pick(['east', 'west']), lines: [{ lineId, quantity: came }] };
  if (!isDone(await step(talk, 'receive', receipt))) return undefined;
  if (dice.chance(0.1)) return refuse();
  const good = dice.between(0, came);
  const outcomes = [
    { lineId, quantity: good, outcome: 'resaleable' },
    { lineId, quantity: came - good, outcome: dice.pick(['damaged', 'damaged', 'missing', 'refused']) },
  ].filter(({ quantity }) => quantity > 0);
  const isAccepted = outcomes.some(({ outcome }) => outcome === 'resaleable' || outcome === 'damaged');
  if (!isDone(await step(talk, 'inspect', { lines: outcomes })) || !isAccepted) return undefined;
  if (!later) return ID;
  if (dice.chance(0.15)) return refuse();
  return isDone(await step(talk, 'credit', dice.chance(0.3) ? { credited: '0.50' } : {})) ? ID : undefined;
};

/** Money back, and the customer keeps the goods. */
export const allow = async (talk: Talk, allowanceId: string): Promise<void> => {
  const { dice } = talk;
  const [first] = talk.delivered();
  const line = first !== undefined && dice.chance(0.5) ? { lineId: first.line.lineId } : {};
  const body = { allowanceId, amount: amountOf(dice.between(10, 400)), reason: 'scratched', ...line };
  await talk.act({
    kind: 'allow',
    below: 'allowances',
    eventType: 'OrderAllowanceGranted',
    businessId: allowanceId,
    body,
  });
};
