import { unitShares } from './apportion.js';
import { type Decision, type Rejection, reject } from './decider.js';
import { formatAmount, lineAmount, parseAmount } from './money.js';
import { goodsAmong, letGo, openUnits } from './order-allocations.js';
import {
  CHANGE_ACTIONS_MAX,
  CHANGES_MAX,
  type ChangeAction,
  type OrderChangeConfirmed,
} from './order-change-events.js';
import type { OrderCommand } from './order-commands.js';
import type { OrderEvent } from './order-events.js';
import { andComplete, type Placed, wrongStatus } from './order-fulfilment.js';
import { leftToShip } from './order-lines.js';
import { LINES_MAX, tooLarge } from './order-placement.js';
import { lackingUnits } from './order-reservation.js';
import type { OrderLine } from './order-state.js';
import { orderHeld, reviewsBlocking } from './review.js';
import { QUANTITY_MAX } from './schemas.js';
import { spelledTaxes, sumOfTaxes, taxOfUnits } from './tax.js';

type Confirmed = OrderChangeConfirmed['data'];
type Command<Type extends OrderCommand['type']> = OrderCommand & { readonly type: Type };
/** What a change does to the order as it is now; `lacking` says SKUs and units only. */
export type ChangePlan = Omit<Confirmed, 'changeId' | 'version' | 'channel' | 'currency' | 'lacking'> & {
  readonly lacking: ReadonlyMap<string, number>;
};

const isChangeable = ({ status }: Placed): boolean => status === 'reserved' || status === 'confirmed';

/** What the last open units of a line carry: cancelling takes them from the back. */
const lastUnits = (
  line: OrderLine,
  quantity: number,
  currency: string,
): { cost: bigint; discount: bigint } => {
  const to = line.quantity - line.cancelled;
  const share = (total: bigint): bigint => unitShares(total, line.quantity, to - quantity, to);
  const discount = share(line.discount);
  const tax = taxOfUnits(line, currency, to - quantity, to);
  return { cost: share(line.amount) - discount + tax, discount };
};

/** Gathers what the actions come to; each is checked against those before it. */
class Draft {
  readonly cancelled = new Map<string, number>();
  readonly added: Confirmed['added'] = [];
  destination: Confirmed['destination'];
  difference = 0n;

  readonly #left: (line: OrderLine) => number;

  constructor(readonly state: Placed) {
    this.#left = leftToShip(state);
  }

  take(action: ChangeAction): Rejection | undefined {
    switch (action.kind) {
      case 'address':
        this.destination = action.destination;
        return undefined;
      case 'add':
        return this.#add(action.line, 0n);
      case 'reduce':
        return this.#cancel(action.lineId, action.quantity);
      case 'reprice':
        return this.#reprice(action);
    }
  }

  #open(lineId: string): { line: OrderLine; open: number } | Rejection {
    const line = this.state.lines.get(lineId);
    if (line === undefined) return reject('unknown_line', `the order has no line ${lineId}`, { lineId });
    // What was split off is changed after its split was undone.
    return { line, open: this.#left(line) - (this.cancelled.get(lineId) ?? 0) };
  }

  #cancel(lineId: string, quantity: number): Rejection | undefined {
    const found = this.#open(lineId);
    if (!('line' in found)) return found;
    const { line, open } = found;
    if (quantity > open) {
      return reject('exceeds_open_quantity', `line ${lineId}: ${open} left`, { lineId, left: open });
    }
    const { currency } = this.state.placed;
    const before = this.cancelled.get(lineId) ?? 0;
    this.cancelled.set(lineId, before + quantity);
    this.difference -=
      lastUnits(line, before + quantity, currency).cost -
      (before > 0 ? lastUnits(line, before, currency).cost : 0n);
    return undefined;
  }

  #reprice(action: ChangeAction & { kind: 'reprice' }): Rejection | undefined {
    const { lineId, newLineId, unitPrice, tax, taxes } = action;
    const found = this.#open(lineId);
    if (!('line' in found)) return found;
    const { line, open } = found;
    if (this.cancelled.has(lineId) || open === 0) {
      return reject('nothing_open', `line ${lineId} has no open units to correct`, { lineId });
    }
    // Somebody looks at this line as it is: it does not slip away under another name.
    const blocking = [
      ...reviewsBlocking(this.state.reviews, 'ship'),
      ...reviewsBlocking(this.state.reviews, 'confirm'),
    ];
    const onLine = blocking.filter(({ held }) => held.lines?.includes(lineId));
    if (onLine.length > 0) return orderHeld([...new Set(onLine)]);
    const { discount } = lastUnits(line, open, this.state.placed.currency);
    const refused = this.#cancel(lineId, open);
    const { kind, sku, account } = line;
    const same = {
      lineId: newLineId,
      kind,
      sku,
      ...(account === undefined ? {} : { account }),
      ...(taxes === undefined ? {} : { taxes }),
    };
    return refused ?? this.#add({ ...same, quantity: open, unitPrice, tax }, discount);
  }

  #add(line: (ChangeAction & { kind: 'add' })['line'], discountKept: bigint): Rejection | undefined {
    const { lines, placed } = this.state;
    const { lineId } = line;
    if (lines.has(lineId) || this.added.some((one) => one.lineId === lineId)) {
      return reject('duplicate_line', `the order has a line ${lineId}`, { lineId });
    }
    const lineNo = lines.size + this.added.length;
    if (lineNo >= LINES_MAX) return reject('too_many_lines', `an order has at most ${LINES_MAX} lines`);
    const { currency } = placed;
    const amount = lineAmount(line.unitPrice, line.quantity, currency);
    const tax = parseAmount(line.tax, currency);
    const sum = line.taxes === undefined ? tax : sumOfTaxes(line.taxes, currency);
    if (amount === undefined || tax === undefined || sum === undefined) {
      return reject('invalid_amount', `line ${lineId}: not an amount of ${currency}`, { lineId });
    }
    if (sum !== tax) {
      return reject('tax_mismatch', `line ${lineId}: the parts of its tax do not come to it`, { lineId });
    }
    const discount = discountKept < amount ? discountKept : amount;
    this.difference += amount - discount + tax;
    const money = (minor: bigint): string => formatAmount(minor, currency);
    const taxes = line.taxes === undefined ? {} : { taxes: spelledTaxes(line.taxes, currency) };
    this.added.push({
      ...line,
      ...taxes,
      lineNo,
      amount: money(amount),
      tax: money(tax),
      discount: money(discount),
    });
    return undefined;
  }
}

const tooMuch = ({ state, added }: Draft): Rejection | undefined => {
  const { currency } = state.placed;
  let total = 0n;
  for (const { amount, tax } of state.lines.values()) total += amount + tax;
  for (const { amount, tax } of added) {
    total += (parseAmount(amount, currency) ?? 0n) + (parseAmount(tax, currency) ?? 0n);
  }
  // Lines that are not wanted any more keep their amounts, and so count. Only less is always possible.
  const excess = added.length === 0 ? undefined : tooLarge(total, currency);
  if (excess !== undefined) return excess;
  const units = new Map<string, number>();
  for (const line of [...state.lines.values(), ...added]) {
    const all = (units.get(line.sku) ?? 0) + line.quantity;
    units.set(line.sku, all);
    if (all > QUANTITY_MAX) {
      return reject('too_many_units', `an order has at most ${QUANTITY_MAX} units of a SKU`, {
        sku: line.sku,
      });
    }
  }
  return undefined;
};

/** Whether there is an order after it: charges alone are none where there were goods, as when these are cancelled. */
const leavesSomething = ({ state, cancelled, added }: Draft): boolean => {
  const lines = [...state.lines.values()];
  const hadGoods = lines.some(({ kind }) => kind === 'goods');
  const counts = ({ kind }: Pick<OrderLine, 'kind'>): boolean => kind === 'goods' || !hadGoods;
  return (
    added.some(counts) ||
    lines.some(
      (line) => line.shipped > 0 || (counts(line) && openUnits(line) > (cancelled.get(line.lineId) ?? 0)),
    )
  );
};

/** What the actions do to the order as it is now, or why they cannot. Pure; the same twice. */
export const planChange = (state: Placed, actions: readonly ChangeAction[]): ChangePlan | Rejection => {
  const draft = new Draft(state);
  for (const action of actions) {
    const refused = draft.take(action);
    if (refused !== undefined) return refused;
  }
  const refused = tooMuch(draft);
  if (refused !== undefined) return refused;
  const cancelled = [...draft.cancelled].map(([lineId, quantity]) => ({ lineId, quantity }));
  if (!leavesSomething(draft)) return reject('nothing_open', 'nothing would be left: cancel the order');
  // Units of a SKU that go and come again stay where they are held.
  const unwanted = goodsAmong(state, cancelled);
  const freed = letGo(state, unwanted).released;
  const lacking = new Map<string, number>();
  for (const { kind, sku, quantity } of draft.added) {
    if (kind === 'goods') lacking.set(sku, (lacking.get(sku) ?? 0) + quantity);
  }
  for (const [sku, wanted] of lacking) {
    const held = freed.reduce((sum, one) => sum + (one.sku === sku ? one.quantity : 0), 0);
    const kept = Math.min(wanted, held);
    if (kept > 0) unwanted.set(sku, (unwanted.get(sku) ?? 0) - kept);
    if (wanted > kept) lacking.set(sku, wanted - kept);
    else lacking.delete(sku);
  }
  const { released, short } = letGo(state, unwanted);
  return {
    cancelled,
    added: draft.added,
    ...(draft.destination === undefined ? {} : { destination: draft.destination }),
    difference: formatAmount(draft.difference, state.placed.currency),
    released: [...released],
    short: [...short],
    lacking,
  };
};

const isPlan = (plan: ChangePlan | Rejection): plan is ChangePlan => 'lacking' in plan;

/** Units by SKU that must be held before a change can be confirmed; none where it cannot be or was. */
export const unitsWantedBy = (state: Placed, changeId: string): ReadonlyMap<string, number> => {
  const change = state.changes.get(changeId);
  if (change?.status !== 'proposed' || !isChangeable(state)) return new Map();
  const plan = planChange(state, change.proposed.actions);
  return isPlan(plan) ? plan.lacking : new Map();
};

const contentOf = ({ reason, actions }: { reason: string; actions: readonly unknown[] }): string =>
  JSON.stringify([reason, actions]);

export const decidePropose = (
  { changeId, reason, actions }: Command<'propose-change'>,
  state: Placed,
): Decision<OrderEvent> => {
  const before = state.changes.get(changeId);
  if (before !== undefined) {
    return contentOf(before.proposed) === contentOf({ reason, actions })
      ? []
      : reject('id_reused', `change ${changeId} was proposed with other content`, { id: changeId });
  }
  if (!isChangeable(state)) return wrongStatus(state, 'reserved or confirmed');
  if (state.changes.size >= CHANGES_MAX || actions.length > CHANGE_ACTIONS_MAX) {
    return reject(
      'too_many_changes',
      `an order has at most ${CHANGES_MAX} changes of ${CHANGE_ACTIONS_MAX} actions`,
    );
  }
  const plan = planChange(state, actions);
  if (!isPlan(plan)) return plan;
  return [{ type: 'OrderChangeProposed', data: { changeId, reason, actions: [...actions] } }];
};

/**
 * Does what was proposed to the order as it is now. `allocations` are the holds of the next round for what it adds; without all of them
 * only an order that may wait for stock is changed.
 */
export const decideConfirmChange = (
  { changeId, round, allocations = [], lacking = [] }: Command<'confirm-change'>,
  state: Placed,
): Decision<OrderEvent> => {
  const change = state.changes.get(changeId);
  if (change === undefined) return reject('unknown_change', `the order has no change ${changeId}`);
  if (change.status === 'confirmed') return [];
  if (change.status === 'declined') return reject('change_resolved', 'the change was declined before');
  if (!isChangeable(state)) return wrongStatus(state, 'reserved or confirmed');
  const plan = planChange(state, change.proposed.actions);
  if (!isPlan(plan)) return plan;
  const wanted = new Map(plan.lacking);
  for (const { sku, quantity } of allocations) wanted.set(sku, (wanted.get(sku) ?? 0) - quantity);
  if (round !== undefined && (round !== state.round + 1 || [...wanted.values()].some((units) => units < 0))) {
    return reject('allocation_changed', 'the order was allocated meanwhile: confirm again');
  }
  const missing = [...wanted].find(([, units]) => units > 0);
  const waits = state.placed.shortage === 'backorder' || state.placed.shortage === 'shortfall';
  if (missing !== undefined && !waits) {
    return reject('insufficient_stock', `${missing[1]} of ${missing[0]} lack`, { sku: missing[0] });
  }
  const confirmed: OrderEvent = {
    type: 'OrderChangeConfirmed',
    data: {
      changeId,
      version: state.version + 1,
      channel: state.placed.channel,
      currency: state.placed.currency,
      ...plan,
      lacking: lackingUnits({ lacking }, plan.lacking),
    },
  };
  if (round === undefined || allocations.length === 0) return andComplete(state, confirmed);
  return [confirmed, { type: 'OrderAllocated', data: { round, allocations: [...allocations] } }];
};

export const decideDecline = (
  { changeId, reason }: Command<'decline-change'>,
  state: Placed,
): Decision<OrderEvent> => {
  const change = state.changes.get(changeId);
  if (change === undefined) return reject('unknown_change', `the order has no change ${changeId}`);
  if (change.status === 'declined') return [];
  if (change.status === 'confirmed') return reject('change_resolved', 'the change was confirmed before');
  return [{ type: 'OrderChangeDeclined', data: { changeId, reason } }];
};
