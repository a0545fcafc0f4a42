import { monthIn } from './calendar.js';
import type { LogFold } from './fold.js';
import { stockParts } from './ids.js';
import { carriedByFirst } from './money.js';

/** Amounts are minor units of the currency; credits count up. */
export interface MonthTotals {
  sales: bigint;
  credits: bigint;
}

/** What finance asks first. */
export interface CurrencyTotals extends MonthTotals {
  orders: number;
  /** Units sold for a price; free units go with them and are not sales. */
  units: number;
  freeUnits: number;
  creditNotes: number;
  creditedUnits: number;
  /** By `YYYY-MM` in the channel's time zone, in calendar order. */
  months: Map<string, MonthTotals>;
}

const isFree = (unitPrice: string): boolean => !/[1-9]/.test(unitPrice);

const byKey = <Value>(map: ReadonlyMap<string, Value>): Map<string, Value> =>
  new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

class Totals {
  readonly all = new Map<string, CurrencyTotals>();

  constructor(private readonly fold: LogFold) {}

  of(currency: string): CurrencyTotals {
    let totals = this.all.get(currency);
    if (totals === undefined) {
      const nothing = { sales: 0n, credits: 0n, orders: 0, units: 0, freeUnits: 0 };
      totals = { ...nothing, creditNotes: 0, creditedUnits: 0, months: new Map() };
      this.all.set(currency, totals);
    }
    return totals;
  }

  month({ months }: CurrencyTotals, channel: string, at: string): MonthTotals {
    const name = monthIn(this.fold.timeZoneOf(channel), at);
    let month = months.get(name);
    if (month === undefined) {
      month = { sales: 0n, credits: 0n };
      months.set(name, month);
    }
    return month;
  }
}

/**
 * Sales are the lines of confirmed orders, less what was cancelled of them, at their amounts before discount and tax, in the month
 * they were placed; credits are what was given back, in the month of the note. By currency.
 */
export const totalsOf = (fold: LogFold): Map<string, CurrencyTotals> => {
  const totals = new Totals(fold);
  for (const { placed, confirmed, status, lines } of fold.orders.orders.values()) {
    if (!confirmed || status === 'cancelled') continue;
    const sums = totals.of(placed.currency);
    const month = totals.month(sums, placed.channel, placed.placedAt);
    sums.orders += 1;
    for (const { quantity, cancelled, amount, unitPrice } of lines.values()) {
      // Cancelling takes units from the back: the first ones keep their shares.
      const kept = carriedByFirst(amount, quantity, quantity - cancelled);
      sums.sales += kept;
      month.sales += kept;
      sums[isFree(unitPrice) ? 'freeUnits' : 'units'] += quantity - cancelled;
    }
  }
  const notes = new Set<string>();
  for (const { currency, channel, note, at, units, amount } of fold.orders.credits) {
    const sums = totals.of(currency);
    sums.credits += amount;
    sums.creditedUnits += units;
    totals.month(sums, channel, at).credits += amount;
    const name = JSON.stringify([currency, channel, note]);
    if (!notes.has(name)) sums.creditNotes += 1;
    notes.add(name);
  }
  for (const sums of totals.all.values()) sums.months = byKey(sums.months);
  return byKey(totals.all);
};

/** Balances of all parties together, debit positive; `debit` and `credit` are the sums of those above and below zero. */
export interface TrialBalance {
  debit: bigint;
  credit: bigint;
  accounts: Map<string, bigint>;
}

export const trialBalances = (fold: LogFold): Map<string, TrialBalance> => {
  const balances = new Map<string, TrialBalance>();
  for (const { currency, account, debit, credit } of fold.ledger.days.values()) {
    const balance = balances.get(currency) ?? { debit: 0n, credit: 0n, accounts: new Map<string, bigint>() };
    balance.accounts.set(account, (balance.accounts.get(account) ?? 0n) + debit - credit);
    balances.set(currency, balance);
  }
  for (const balance of balances.values()) {
    for (const minor of balance.accounts.values()) {
      if (minor > 0n) balance.debit += minor;
      else balance.credit -= minor;
    }
    balance.accounts = byKey(balance.accounts);
  }
  return byKey(balances);
};

/** Units. */
export interface LocationTotals {
  skus: number;
  onHand: number;
  held: number;
}

export const stockByLocation = (fold: LogFold): Map<string, LocationTotals> => {
  const totals = new Map<string, LocationTotals>();
  for (const { id, onHand, held } of fold.holders.stock.values()) {
    const [location] = stockParts(id);
    const entry = totals.get(location) ?? { skus: 0, onHand: 0, held: 0 };
    entry.skus += 1;
    entry.onHand += onHand;
    entry.held += held;
    totals.set(location, entry);
  }
  return byKey(totals);
};
