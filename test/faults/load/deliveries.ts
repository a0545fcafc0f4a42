import { isDone, type Line, type Talk } from './talk.js';

const ship = (talk: Talk, shipmentId: string, body: Record<string, unknown> = {}) =>
  talk.act({
    kind: 'ship',
    below: 'shipments',
    eventType: 'OrderShipped',
    businessId: shipmentId,
    body: { shipmentId, ...body },
  });

export const cancel = (talk: Talk, cancellationId: string, line?: Pick<Line, 'lineId'>) => {
  const part = line === undefined ? {} : { lines: [{ lineId: line.lineId, quantity: 1 }] };
  return talk.act({
    kind: 'cancel',
    below: 'cancellations',
    eventType: 'OrderLinesCancelled',
    businessId: cancellationId,
    body: { cancellationId, reason: 'changed mind', ...part },
  });
};

const split = (talk: Talk, splitId: string, { lineId }: Line) => {
  const { dice } = talk;
  const day = dice.chance(0.5) ? { requestedDate: '2027-01-15' } : {};
  const priority = dice.chance(0.5) ? { priority: dice.between(1, 9) } : {};
  return talk.act({
    kind: 'split',
    below: 'splits',
    eventType: 'OrderSplit',
    businessId: splitId,
    body: { splitId, lines: [{ lineId, quantity: 1 }], ...day, ...priority },
  });
};

const undo = (talk: Talk, splitId: string) =>
  talk.act({
    kind: 'undo_split',
    below: `splits/${splitId}/undo`,
    eventType: 'OrderSplitUndone',
    businessId: splitId,
    body: { reason: 'one parcel after all' },
  });

/** Units go apart, and ship, or are put back first, or are put back too late. */
const deliverApart = async (talk: Talk): Promise<void> => {
  const { dice } = talk;
  const open = talk.open();
  if (open.length === 0) return;
  const done = await split(talk, 'd1', dice.pick(open).line);
  if (!isDone(done)) return;
  if (dice.chance(0.3)) {
    await undo(talk, 'd1');
    return;
  }
  const shipped = dice.chance(0.7) ? await ship(talk, 's-d1', { splitId: 'd1' }) : undefined;
  if (isDone(shipped) && dice.chance(0.2)) await undo(talk, 'd1');
};

/** Ships it in one go or in parts, now and then with somebody who cancels at the same time. */
export const deliver = async (talk: Talk): Promise<void> => {
  const { dice } = talk;
  if (dice.chance(0.25)) await deliverApart(talk);
  const open = talk.open();
  const several = open.find(({ open: units }) => units > 1) ?? (open.length > 1 ? open[1] : undefined);
  if (several !== undefined && dice.chance(0.35))
    await ship(talk, 's1', { lines: [{ lineId: several.line.lineId, quantity: 1 }] });
  const rival = dice.chance(0.08) ? cancel(talk, 'c-rival', open[0]?.line) : undefined;
  await Promise.all([ship(talk, 's2'), rival]);
  if (dice.chance(0.1)) await ship(talk, 's3', { location: dice.pick(['east', 'west']) });
};
