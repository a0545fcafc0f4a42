// What an import does, worked out from the rows alone. Rows are fed once, in file order; `finish` then knows which
// invoices sold something. Every row ends in exactly one place: a line of an order, a credit, an adjustment, a bad
// debt, `withoutEffect` or `bad`. Invariants: the same rows give the same plan; a credit never takes back more of an
// order line than was sold, nor from a row below its own; opening stock covers every unit that ever leaves.

import { apportion } from '../../../domain/apportion.js';
import { type LineKind, nonGoodsCode } from './codes.js';
import { createMatcher } from './match.js';
import { amountPence } from './money.js';
import type { Plan, PlanItem, PlannedCredit, PlannedLine, RowWithoutEffect, Timed } from './plan-types.js';
import { type ReadOptions, readRowBlocks } from './read-rows.js';
import { type BadRow, badRow, isBadRow, type Row } from './row.js';

export const MAX_PLAN_ROWS = 2_000_000;

interface Invoice {
  readonly first: Row;
  readonly lines: PlannedLine[];
  /** Kept only until something is sold: then the rows are order lines and nothing else. */
  free: { readonly line: PlannedLine; readonly source: Row }[] | undefined;
}

/** Takes the rows of a file in order and makes the plan of them. Throws when there are too many to hold. */
export class Planner {
  readonly #matcher = createMatcher();
  readonly #lineCounts = new Map<string, number>();
  readonly #lineIds: string[] = [];
  readonly #invoices = new Map<string, Invoice>();
  readonly #items: PlanItem[] = [];
  readonly #withoutEffect: RowWithoutEffect[] = [];
  readonly #bad: BadRow[] = [];
  #startsAt: Timed | undefined;
  #rows = 0;

  add(row: Row | BadRow): void {
    this.#rows += 1;
    if (this.#rows > MAX_PLAN_ROWS) throw new Error(`a plan holds at most ${MAX_PLAN_ROWS} rows`);
    const lineNumber = row.invoice === undefined ? 0 : this.#nextLineNumber(row.invoice);
    if (isBadRow(row)) {
      this.#bad.push(row);
      return;
    }
    if (this.#startsAt === undefined || row.instant < this.#startsAt.instant) {
      this.#startsAt = { at: row.at, instant: row.instant };
    }
    if (row.letter === 'C') this.#items.push(this.#credit(row, lineNumber));
    else if (row.letter === 'A') {
      const { description, unitPrice, quantity } = row;
      const pence = amountPence(unitPrice, quantity);
      this.#items.push({ type: 'bad_debt', ...where(row, lineNumber), description, pence });
    } else if (row.quantity < 0) this.#adjust(row, lineNumber);
    else this.#line(row, lineNumber);
  }

  /** The plan of all rows added. The planner cannot be used afterwards. */
  finish(): Plan {
    for (const [externalId, { first, lines, free }] of this.#invoices) {
      if (free !== undefined) {
        for (const { line, source } of free) this.#adjust(source, Number(line.lineId));
        continue;
      }
      const { row, at, instant, customer, country } = first;
      this.#items.push({ type: 'order', row, at, instant, externalId, customer, country, lines });
    }
    const items = this.#items.sort((a, b) => a.row - b.row);
    const withoutEffect = this.#withoutEffect.sort((a, b) => a.row - b.row);
    const bad = this.#bad.sort((a, b) => a.row - b.row);
    return { rows: this.#rows, opening: outflow(items), startsAt: this.#startsAt, items, withoutEffect, bad };
  }

  #nextLineNumber(invoice: string): number {
    const lineNumber = (this.#lineCounts.get(invoice) ?? 0) + 1;
    this.#lineCounts.set(invoice, lineNumber);
    return lineNumber;
  }

  #lineId(lineNumber: number): string {
    this.#lineIds[lineNumber] ??= String(lineNumber);
    return this.#lineIds[lineNumber];
  }

  #line(row: Row, lineNumber: number): void {
    let invoice = this.#invoices.get(row.invoice);
    if (invoice === undefined) {
      invoice = { first: row, lines: [], free: [] };
      this.#invoices.set(row.invoice, invoice);
    }
    if (row.customer !== invoice.first.customer) {
      this.#bad.push(badRow(row.row, 'customer_differs_in_invoice', row.customer ?? '', row.invoice));
      return;
    }
    if (row.country !== invoice.first.country) {
      this.#bad.push(badRow(row.row, 'country_differs_in_invoice', row.country, row.invoice));
      return;
    }
    const { sku, quantity, unitPrice, customer } = row;
    const lineId = this.#lineId(lineNumber);
    const line: PlannedLine = { lineId, row: row.row, ...classify(sku), sku, quantity, unitPrice };
    invoice.lines.push(line);
    if (unitPrice === '0') {
      invoice.free?.push({ line, source: row });
      return;
    }
    invoice.free = undefined;
    if (customer !== undefined)
      this.#matcher.sold(customer, sku, { externalId: row.invoice, lineId, quantity });
  }

  #credit(row: Row, lineNumber: number): PlannedCredit {
    const { sku, description, unitPrice, customer, country, invoice: note } = row;
    const quantity = -row.quantity;
    const pence = amountPence(unitPrice, quantity);
    const { kind, account } = classify(sku);
    const taken = customer === undefined ? undefined : this.#matcher.take(customer, sku, quantity);
    const shares =
      taken === undefined
        ? []
        : apportion(
            pence,
            taken.map((part) => BigInt(part.quantity)),
          );
    const parts = (taken ?? []).map((part, index) => ({ ...part, pence: shares[index] ?? 0n }));
    const unmatched = kind === 'goods' ? 'blind_return' : 'charge_reversal';
    return {
      type: 'credit',
      ...where(row, lineNumber),
      note,
      lineNumber,
      customer,
      country,
      kind,
      account,
      sku,
      description,
      quantity,
      unitPrice,
      pence,
      disposition: taken === undefined ? unmatched : 'matched',
      parts,
      dependsOn: [...new Set(parts.map((part) => part.externalId))],
    };
  }

  #adjust(row: Row, lineNumber: number): void {
    const adjustment = row.quantity < 0 ? 'write_off' : 'find';
    const moved = { ...where(row, lineNumber), adjustment, sku: row.sku, delta: row.quantity } as const;
    if (nonGoodsCode(row.sku) !== undefined) this.#withoutEffect.push(moved);
    else this.#items.push({ type: 'adjustment', ...moved, reason: row.description.trim() || 'unspecified' });
  }
}

function where(row: Row, lineNumber: number) {
  return { row: row.row, id: `${row.invoice}-${lineNumber}`, at: row.at, instant: row.instant };
}

function classify(sku: string): { kind: LineKind; account: string | undefined } {
  const code = nonGoodsCode(sku);
  return code === undefined
    ? { kind: 'goods', account: undefined }
    : { kind: code.kind, account: code.account };
}

function outflow(items: readonly PlanItem[]): Plan['opening'] {
  const bySku = new Map<string, number>();
  const leaves = (sku: string, quantity: number) => bySku.set(sku, (bySku.get(sku) ?? 0) + quantity);
  for (const item of items) {
    if (item.type === 'adjustment' && item.delta < 0) leaves(item.sku, -item.delta);
    if (item.type !== 'order') continue;
    for (const line of item.lines) if (line.kind === 'goods') leaves(line.sku, line.quantity);
  }
  return Array.from(bySku, ([sku, quantity]) => ({ sku, quantity }));
}

/** The plan of rows given in file order. */
export function planRows(rows: Iterable<Row | BadRow>): Plan {
  const planner = new Planner();
  for (const row of rows) planner.add(row);
  return planner.finish();
}

/** The plan of a file. Throws `ImportFileError` when the file cannot be read. */
export async function readPlan(path: string, options: ReadOptions = {}): Promise<Plan> {
  const planner = new Planner();
  for await (const rows of readRowBlocks(path, options)) for (const row of rows) planner.add(row);
  return planner.finish();
}
