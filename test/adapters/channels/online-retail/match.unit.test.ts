import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planRows } from '../../../../src/adapters/channels/online-retail/plan.js';
import type { Plan } from '../../../../src/adapters/channels/online-retail/plan-types.js';
import type { Row } from '../../../../src/adapters/channels/online-retail/row.js';

const movement = fc.record({
  credit: fc.boolean(),
  invoice: fc.integer({ min: 1, max: 6 }),
  sku: fc.constantFrom('a', 'A', 'POST'),
  quantity: fc.integer({ min: 1, max: 9 }),
  unitPrice: fc.constantFrom('0', '0.001', '1.25', '2'),
  customer: fc.constantFrom('1', '2', undefined),
});
type Movement = typeof movement extends fc.Arbitrary<infer T> ? T : never;

function rowsOf(movements: readonly Movement[]): Row[] {
  return movements.map(({ credit, invoice, sku, quantity, unitPrice, customer }, index) => ({
    row: index + 1,
    // one customer per invoice, as in the file
    invoice: `${credit ? 'C' : ''}${invoice}${customer ?? '0'}`,
    letter: credit ? 'C' : '',
    sku,
    description: '',
    quantity: credit ? -quantity : quantity,
    at: '2011-06-01T12:00:00',
    instant: '2011-06-01T11:00:00.000Z',
    unitPrice,
    customer,
    country: 'EIRE',
  }));
}

function soldLines(plan: Plan) {
  const lines = new Map<string, { row: number; left: number; sku: string; customer: string | undefined }>();
  for (const item of plan.items) {
    if (item.type !== 'order') continue;
    for (const line of item.lines) {
      if (line.unitPrice === '0') continue;
      const { row, quantity, sku } = line;
      lines.set(`${item.externalId}-${line.lineId}`, { row, left: quantity, sku, customer: item.customer });
    }
  }
  return lines;
}

const histories = fc.array(movement, { maxLength: 60 }).map(rowsOf);

describe('matching credits to what was bought', () => {
  test('takes first in first out from earlier rows of the same customer and code, all or nothing', () => {
    fc.assert(
      fc.property(histories, (rows) => {
        const plan = planRows(rows);
        const lines = soldLines(plan);
        for (const credit of plan.items) {
          if (credit.type !== 'credit') continue;
          const source = rows[credit.row - 1];
          // a plain model: everything still left, in row order
          const open = [...lines]
            .filter(([, line]) => line.customer === source?.customer && line.sku === source?.sku)
            .filter(([, line]) => line.customer !== undefined && line.row < credit.row && line.left > 0)
            .sort(([, a], [, b]) => a.row - b.row);
          const enough = open.reduce((sum, [, line]) => sum + line.left, 0) >= credit.quantity;
          expect(credit.disposition === 'matched').toBe(enough);
          let wanted = enough ? credit.quantity : 0;
          const expected: [string, number][] = [];
          for (const [id, line] of open) {
            const part = Math.min(wanted, line.left);
            if (part > 0) expected.push([id, part]);
            line.left -= part;
            wanted -= part;
          }
          expect(credit.parts.map((part) => [`${part.externalId}-${part.lineId}`, part.quantity])).toEqual(
            expected,
          );
        }
      }),
    );
  });

  test('never takes back more of a line than was sold', () => {
    fc.assert(
      fc.property(histories, (rows) => {
        const plan = planRows(rows);
        const lines = soldLines(plan);
        for (const credit of plan.items) {
          if (credit.type !== 'credit') continue;
          for (const part of credit.parts) {
            const line = lines.get(`${part.externalId}-${part.lineId}`);
            if (line === undefined) throw new Error('a credit names a line that was not sold');
            line.left -= part.quantity;
            expect(line.left).toBeGreaterThanOrEqual(0);
          }
        }
      }),
    );
  });

  test('gives parts that sum to the credit in units and pence', () => {
    fc.assert(
      fc.property(histories, (rows) => {
        for (const credit of planRows(rows).items) {
          if (credit.type !== 'credit' || credit.disposition !== 'matched') continue;
          expect(credit.parts.reduce((sum, part) => sum + part.quantity, 0)).toBe(credit.quantity);
          expect(credit.parts.reduce((sum, part) => sum + part.pence, 0n)).toBe(credit.pence);
        }
      }),
    );
  });

  test('gives the same plan for the same rows, and leaves the past alone when rows are added', () => {
    fc.assert(
      fc.property(histories, fc.nat(60), (rows, cut) => {
        const plan = planRows(rows);
        expect(planRows(rows)).toEqual(plan);
        const credits = (of: Plan) => of.items.filter((item) => item.type === 'credit');
        expect(credits(planRows(rows.slice(0, cut)))).toEqual(credits(plan).filter(({ row }) => row <= cut));
      }),
    );
  });
});
