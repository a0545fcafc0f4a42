import { type Decision, isRejection, reject } from './decider.js';
import type { OrderCommand } from './order-commands.js';
import type { OrderEvent } from './order-events.js';
import { type Placed, wrongStatus } from './order-fulfilment.js';
import { leftToShip, resolve } from './order-lines.js';
import { contentOf, isEnded } from './order-state.js';
import { perLine } from './per-line.js';
import { type OrderSplit, SPLITS_MAX } from './split.js';

const identity = ({ lines, requestedDate, priority }: Omit<OrderSplit['data'], 'splitId'>): string =>
  JSON.stringify([contentOf(lines), requestedDate ?? null, priority ?? null]);

/** Puts open goods that are in no group into one. Charges and vouchers go out with the first shipment, whichever that is. */
export const decideSplit = (
  { splitId, lines: asked, requestedDate, priority }: OrderCommand & { type: 'split' },
  state: Placed,
): Decision<OrderEvent> => {
  const data = {
    splitId,
    lines: [...perLine(asked)].map(([lineId, quantity]) => ({ lineId, quantity })),
    ...(requestedDate === undefined ? {} : { requestedDate }),
    ...(priority === undefined ? {} : { priority }),
  };
  const before = state.splits.get(splitId);
  if (before !== undefined) {
    return identity(before.split) === identity(data)
      ? []
      : reject('id_reused', `${splitId} was recorded with other content`, { id: splitId });
  }
  if (state.status !== 'reserved' && state.status !== 'confirmed')
    return wrongStatus(state, 'reserved or confirmed');
  if (state.splits.size >= SPLITS_MAX)
    return reject('too_many_splits', `an order is split at most ${SPLITS_MAX} times`);
  const found = resolve(state, data.lines, leftToShip(state), 'exceeds_open_quantity');
  if (isRejection(found)) return found;
  const other = found.find(({ line }) => line.kind !== 'goods')?.line;
  if (other !== undefined) {
    return reject('not_goods', `line ${other.lineId} is a ${other.kind}: it goes with the first shipment`, {
      lineId: other.lineId,
    });
  }
  if (found.length === 0) return reject('nothing_open', 'a split names at least one line');
  return [{ type: 'OrderSplit', data }];
};

/** Gives a group's units back to the rest, as long as none of them was shipped. */
export const decideUndoSplit = (
  { splitId, reason }: OrderCommand & { type: 'undo-split' },
  state: Placed,
): Decision<OrderEvent> => {
  const known = state.splits.get(splitId);
  if (known === undefined) return reject('unknown_split', `the order has no split ${splitId}`);
  if (known.undone) return [];
  if ([...known.lines.values()].some(({ shipped }) => shipped > 0)) {
    return reject('split_shipped', `something of split ${splitId} was shipped`);
  }
  if (isEnded(state.status)) return wrongStatus(state, 'open');
  return [{ type: 'OrderSplitUndone', data: { splitId, reason } }];
};
