import { amountPence } from './money.js';
import type { Plan } from './plan-types.js';

/** Money of one calendar month of the retailer, in pence. */
export interface MonthTotals {
  /** `YYYY-MM`. An order counts in the month it was placed, a credit in the month of its note. */
  readonly month: string;
  readonly salesPence: bigint;
  /** Zero or negative, as a credit is printed. */
  readonly creditPence: bigint;
}

/** Sold and credited pence of one code or account. */
export interface CodeTotals {
  readonly code: string;
  readonly salesPence: bigint;
  readonly creditPence: bigint;
}

/** What the books must show after the import of a plan. All money is in pence, all units are whole. */
export interface PlanTotals {
  readonly rows: number;
  readonly badRows: number;
  readonly rowsWithoutEffect: number;
  /** `lines` and `units` count priced lines of every kind; free lines are apart. */
  readonly sales: {
    readonly orders: number;
    readonly lines: number;
    readonly units: number;
    readonly skus: number;
    readonly pence: bigint;
    readonly freeLines: number;
    readonly freeUnits: number;
  };
  /** Units are counted up, pence are zero or negative. */
  readonly credits: {
    readonly notes: number;
    readonly lines: number;
    readonly units: number;
    readonly pence: bigint;
    readonly matchedLines: number;
    readonly matchedUnits: number;
    readonly blindReturnLines: number;
    readonly chargeReversalLines: number;
  };
  /** Units by which stock changed: negative for write-offs. */
  readonly writeOffs: { readonly lines: number; readonly units: number };
  readonly finds: { readonly lines: number; readonly units: number };
  readonly badDebt: { readonly entries: number; readonly pence: bigint };
  readonly openingUnits: number;
  /** In calendar order; only months in which something was sold or credited. */
  readonly months: readonly MonthTotals[];
  /** Codes that are not goods, sorted by code. */
  readonly codes: readonly CodeTotals[];
}

class Pairs {
  readonly #byKey = new Map<string, { salesPence: bigint; creditPence: bigint }>();

  add(key: string, salesPence: bigint, creditPence: bigint): void {
    const pair = this.#byKey.get(key) ?? { salesPence: 0n, creditPence: 0n };
    this.#byKey.set(key, {
      salesPence: pair.salesPence + salesPence,
      creditPence: pair.creditPence + creditPence,
    });
  }

  sorted() {
    return [...this.#byKey].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** The control totals of a plan: what `audit` has to find once all of it has been imported. */
export function totalsOf(plan: Plan): PlanTotals {
  const sales = { orders: 0, lines: 0, units: 0, pence: 0n, freeLines: 0, freeUnits: 0 };
  const credits = {
    lines: 0,
    units: 0,
    pence: 0n,
    matchedLines: 0,
    matchedUnits: 0,
    blindReturnLines: 0,
    chargeReversalLines: 0,
  };
  const adjustments = { write_off: { lines: 0, units: 0 }, find: { lines: 0, units: 0 } };
  const badDebt = { entries: 0, pence: 0n };
  const skus = new Set<string>();
  const notes = new Set<string>();
  const months = new Pairs();
  const codes = new Pairs();

  for (const item of plan.items) {
    if (item.type === 'order') {
      let total = 0n;
      for (const line of item.lines) {
        if (line.unitPrice === '0') {
          sales.freeLines += 1;
          sales.freeUnits += line.quantity;
          continue;
        }
        const pence = amountPence(line.unitPrice, line.quantity);
        total += pence;
        sales.lines += 1;
        sales.units += line.quantity;
        skus.add(line.sku);
        if (line.kind !== 'goods') codes.add(line.sku, pence, 0n);
      }
      sales.orders += 1;
      sales.pence += total;
      months.add(item.at.slice(0, 7), total, 0n);
    } else if (item.type === 'credit') {
      notes.add(item.note);
      credits.lines += 1;
      credits.units += item.quantity;
      credits.pence -= item.pence;
      if (item.disposition === 'matched') {
        credits.matchedLines += 1;
        credits.matchedUnits += item.quantity;
      } else if (item.disposition === 'blind_return') credits.blindReturnLines += 1;
      else credits.chargeReversalLines += 1;
      months.add(item.at.slice(0, 7), 0n, -item.pence);
      if (item.kind !== 'goods') codes.add(item.sku, 0n, -item.pence);
    } else if (item.type === 'adjustment') {
      adjustments[item.adjustment].lines += 1;
      adjustments[item.adjustment].units += item.delta;
    } else {
      badDebt.entries += 1;
      badDebt.pence += item.pence;
    }
  }

  return {
    rows: plan.rows,
    badRows: plan.bad.length,
    rowsWithoutEffect: plan.withoutEffect.length,
    sales: { ...sales, skus: skus.size },
    credits: { ...credits, notes: notes.size },
    writeOffs: adjustments.write_off,
    finds: adjustments.find,
    badDebt,
    openingUnits: plan.opening.reduce((sum, { quantity }) => sum + quantity, 0),
    months: months.sorted().map(([month, pair]) => ({ month, ...pair })),
    codes: codes.sorted().map(([code, pair]) => ({ code, ...pair })),
  };
}
