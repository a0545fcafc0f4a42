import { type Decision, reject } from './decider.js';
import { formatAmount, parseAmount } from './money.js';
import { dueFor, leftToCredit, paidForFirst } from './order-charge.js';
import { exceedsPaid } from './order-credit.js';
import type { OrderEvent } from './order-events.js';
import { type Placed, settlementOf } from './order-fulfilment.js';
import type { ReturnCommand } from './order-return-commands.js';
import { ALLOWANCES_MAX } from './return-events.js';

/** What the customer paid for the units of a line that are still theirs, less what was given for it before. */
const leftOfLine = ({ lines, afterSales, placed }: Placed, lineId: string): bigint => {
  const line = lines.get(lineId);
  if (line === undefined) return 0n;
  const paid = (units: number): bigint => paidForFirst(line, units, placed.currency);
  let left = paid(line.shipped) - paid(line.returned);
  for (const { lineId: of, amount } of afterSales.allowances.values()) {
    if (of === lineId) left -= parseAmount(amount, placed.currency) ?? 0n;
  }
  return left;
};

/** A refund without a return: at most what is left of what was charged, for the order and for the line it is for. */
export const decideAllowance = (
  { allowanceId, amount, reason, lineId }: ReturnCommand & { type: 'grant-allowance' },
  state: Placed,
): Decision<OrderEvent> => {
  const { channel, currency } = state.placed;
  const minor = parseAmount(amount, currency);
  if (minor === undefined || minor <= 0n) return reject('invalid_amount', `not an amount of ${currency}`);
  const before = state.afterSales.allowances.get(allowanceId);
  if (before !== undefined) {
    const same =
      before.amount === formatAmount(minor, currency) && before.reason === reason && before.lineId === lineId;
    return same ? [] : reject('id_reused', `allowance ${allowanceId} was granted with other content`);
  }
  if (state.afterSales.allowances.size >= ALLOWANCES_MAX) {
    return reject('too_many_allowances', `an order has at most ${ALLOWANCES_MAX} allowances`);
  }
  if (lineId !== undefined && !state.lines.has(lineId)) {
    return reject('unknown_line', `the order has no line ${lineId}`, { lineId });
  }
  const ofOrder = leftToCredit(state);
  const ofLine = lineId === undefined ? ofOrder : leftOfLine(state, lineId);
  const left = dueFor(ofLine, ofOrder);
  if (minor > left) return exceedsPaid(left, currency);
  const granted = {
    allowanceId,
    channel,
    currency,
    ...settlementOf(state.placed),
    amount: formatAmount(minor, currency),
    reason,
  };
  return [
    { type: 'OrderAllowanceGranted', data: { ...granted, ...(lineId === undefined ? {} : { lineId }) } },
  ];
};
