import type { LogFold } from './fold.js';

/** What finance asks first: sales, credit notes, units, in total and by month, per currency. Amounts are minor units. */
export interface MonthTotals {
  sales: bigint;
  credits: bigint;
}

export interface CurrencyTotals {
  sales: bigint;
  orders: number;
  /** Units sold for a price; free units go with them and are not sales. */
  units: number;
  freeUnits: number;
  credits: bigint;
  creditNotes: number;
  creditedUnits: number;
  readonly months: Map<string, MonthTotals>;
}

const monthFormat = new Map<string, Intl.DateTimeFormat>();

/** `YYYY-MM` of an instant in a time zone. */
export const monthIn = (timeZone: string, instant: string): string => {
  let format = monthFormat.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit' });
    monthFormat.set(timeZone, format);
  }
  return format.format(new Date(instant)).slice(0, 7);
};

const isFree = (unitPrice: string): boolean => !/[1-9]/.test(unitPrice);

/**
 * Sales are the lines of confirmed orders, less what was cancelled of them, at their amounts before discount and tax, in the month
 * they were placed; credits are what was given back, in the month of the note.
 */
export const totalsOf = (fold: LogFold): Map<string, CurrencyTotals> => {
  const all = new Map<string, CurrencyTotals>();
  const notes = new Set<string>();
  const of = (currency: string): CurrencyTotals => {
    let totals = all.get(currency);
    if (totals === undefined) {
      totals = {
        sales: 0n,
        orders: 0,
        units: 0,
        freeUnits: 0,
        credits: 0n,
        creditNotes: 0,
        creditedUnits: 0,
        months: new Map(),
      };
      all.set(currency, totals);
    }
    return totals;
  };
  const month = (totals: CurrencyTotals, channel: string, at: string): MonthTotals => {
    const name = monthIn(fold.channels.get(channel) ?? 'UTC', at);
    let entry = totals.months.get(name);
    if (entry === undefined) {
      entry = { sales: 0n, credits: 0n };
      totals.months.set(name, entry);
    }
    return entry;
  };
  for (const order of fold.orders.values()) {
    if (!order.confirmed || order.status === 'cancelled') continue;
    const totals = of(order.currency);
    const inMonth = month(totals, order.channel, order.placedAt);
    totals.orders += 1;
    for (const line of order.lines) {
      const kept = line.quantity - line.cancelled;
      // Cancelling takes units from the back: the first ones keep their shares.
      const base = line.amount / BigInt(line.quantity);
      const more = line.amount % BigInt(line.quantity);
      const amount = base * BigInt(kept) + (BigInt(kept) < more ? BigInt(kept) : more);
      totals.sales += amount;
      inMonth.sales += amount;
      if (isFree(line.unitPrice)) totals.freeUnits += kept;
      else totals.units += kept;
    }
  }
  for (const credit of fold.credits) {
    const totals = of(credit.currency);
    totals.credits += credit.amount;
    totals.creditedUnits += credit.units;
    month(totals, credit.channel, credit.at).credits += credit.amount;
    const note = `${credit.currency}\n${credit.channel}\n${credit.note}`;
    if (!notes.has(note)) totals.creditNotes += 1;
    notes.add(note);
  }
  return all;
};

/** Sum of every posting per currency: zero, or the books are not double-entry. */
export const trialBalance = (fold: LogFold): Map<string, { debit: bigint; credit: bigint }> => {
  const totals = new Map<string, { debit: bigint; credit: bigint }>();
  for (const [key, amount] of fold.balances) {
    const currency = String((JSON.parse(key) as string[])[2]);
    const entry = totals.get(currency) ?? { debit: 0n, credit: 0n };
    if (amount > 0n) entry.debit += amount;
    else entry.credit -= amount;
    totals.set(currency, entry);
  }
  return totals;
};

export interface LocationTotals {
  skus: number;
  onHand: number;
  held: number;
}

export const stockByLocation = (fold: LogFold): Map<string, LocationTotals> => {
  const totals = new Map<string, LocationTotals>();
  for (const [id, { onHand, held }] of fold.stock) {
    const location = decodeURIComponent(id.split('~')[0] ?? '');
    const entry = totals.get(location) ?? { skus: 0, onHand: 0, held: 0 };
    entry.skus += 1;
    entry.onHand += onHand;
    entry.held += held;
    totals.set(location, entry);
  }
  return totals;
};
