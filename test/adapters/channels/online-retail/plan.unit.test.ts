import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readPlan } from '../../../../src/adapters/channels/online-retail/plan.js';
import type {
  Plan,
  PlannedCredit,
  PlannedOrder,
} from '../../../../src/adapters/channels/online-retail/plan-types.js';
import { totalsOf } from '../../../../src/adapters/channels/online-retail/totals.js';

const QUIRKS = fileURLToPath(new URL('./quirks.csv', import.meta.url));

describe('the plan of a small file with every quirk', () => {
  let plan: Plan;
  const order = (externalId: string): PlannedOrder => {
    const found = plan.items.find((item) => item.type === 'order' && item.externalId === externalId);
    if (found?.type !== 'order') throw new Error(`no order ${externalId}`);
    return found;
  };
  const credit = (id: string): PlannedCredit => {
    const found = plan.items.find((item) => item.type === 'credit' && item.id === id);
    if (found?.type !== 'credit') throw new Error(`no credit ${id}`);
    return found;
  };

  beforeAll(async () => {
    plan = await readPlan(QUIRKS);
  });

  test('keeps one line per row, each with its own price and its own spelling of the code', () => {
    expect(order('1001').lines).toEqual([
      {
        lineId: '1',
        row: 1,
        kind: 'goods',
        account: undefined,
        sku: '85099B',
        quantity: 10,
        unitPrice: '2.08',
      },
      {
        lineId: '2',
        row: 2,
        kind: 'goods',
        account: undefined,
        sku: '85099b',
        quantity: 4,
        unitPrice: '2.08',
      },
      {
        lineId: '3',
        row: 3,
        kind: 'goods',
        account: undefined,
        sku: '85099B',
        quantity: 5,
        unitPrice: '1.95',
      },
      {
        lineId: '4',
        row: 4,
        kind: 'charge',
        account: 'postage',
        sku: 'POST',
        quantity: 1,
        unitPrice: '18',
      },
    ]);
  });

  test('places an invoice with two timestamps at the first', () => {
    expect(order('1001')).toMatchObject({
      at: '2011-03-26T23:59:00',
      instant: '2011-03-26T23:59:00.000Z',
      customer: '17850',
      country: 'United Kingdom',
    });
  });

  test('joins an invoice that is not contiguous, at the row where it began', () => {
    expect(order('1002').row).toBe(5);
    expect(order('1002').lines.map(({ row, lineId }) => [row, lineId])).toEqual([
      [5, '1'],
      [7, '2'],
    ]);
  });

  test('keeps a customer away from an order that names none', () => {
    expect(order('1002').customer).toBeUndefined();
  });

  test('keeps a free line in an order that sells something behind it, and places the order at the free line', () => {
    expect(order('1003')).toMatchObject({ row: 6, at: '2011-03-28T09:05:00' });
    expect(order('1003').lines.map(({ sku, unitPrice }) => [sku, unitPrice])).toEqual([
      ['22720', '0'],
      ['22721', '4.95'],
    ]);
  });

  test('takes a voucher as a line of its own kind', () => {
    expect(order('1006').lines[0]).toMatchObject({ kind: 'voucher', account: 'gift_vouchers' });
  });

  test('turns write-offs and free rows of invoices that sold nothing into adjustments with their reason', () => {
    expect(plan.items.filter((item) => item.type === 'adjustment')).toEqual([
      {
        type: 'adjustment',
        row: 9,
        id: '1004-1',
        at: '2011-03-29T10:00:00',
        instant: '2011-03-29T09:00:00.000Z',
        adjustment: 'write_off',
        sku: '22423',
        delta: -7,
        reason: 'damaged',
      },
      {
        type: 'adjustment',
        row: 10,
        id: '1005-1',
        at: '2011-03-29T10:01:00',
        instant: '2011-03-29T09:01:00.000Z',
        adjustment: 'find',
        sku: '22423',
        delta: 9,
        reason: 'unspecified',
      },
    ]);
  });

  test('names the free charge that no order carries instead of making stock of it', () => {
    expect(plan.withoutEffect).toEqual([expect.objectContaining({ row: 11, id: '1005-2', sku: 'DOT' })]);
  });

  test('splits a credit over earlier lines, first in first out, with shares that sum to it', () => {
    expect(credit('C1007-1')).toMatchObject({
      disposition: 'matched',
      pence: 2400n,
      parts: [
        { externalId: '1001', lineId: '1', quantity: 10, pence: 2000n },
        { externalId: '1001', lineId: '3', quantity: 2, pence: 400n },
      ],
      dependsOn: ['1001'],
    });
  });

  test('leaves a credit blind as a whole when too little is left, even if more is bought later', () => {
    expect(credit('C1007-2')).toMatchObject({ disposition: 'blind_return', parts: [], dependsOn: [] });
    expect(credit('C1007-3')).toMatchObject({
      disposition: 'matched',
      parts: [{ externalId: '1001', lineId: '3', quantity: 3, pence: 585n }],
    });
  });

  test('matches a charge to the order that bore it, and reverses one that no order bore', () => {
    expect(credit('C1007-4')).toMatchObject({ disposition: 'matched', kind: 'charge', account: 'postage' });
    expect(credit('C1008-2')).toMatchObject({
      disposition: 'charge_reversal',
      account: 'marketplace_fees',
      pence: 1_354_133n,
    });
  });

  test('never matches a credit without a customer, nor one of free goods', () => {
    expect(credit('C1008-1').disposition).toBe('blind_return');
    expect(credit('C1009-1').disposition).toBe('blind_return');
  });

  test('keeps one sequence in row order', () => {
    expect(plan.items.map(({ row }) => row)).toEqual([
      1, 5, 6, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    ]);
  });

  test('opens with what leaves: sold, free and written off, of goods alone', () => {
    expect(plan.opening).toEqual([
      { sku: '85099B', quantity: 35 },
      { sku: '85099b', quantity: 4 },
      { sku: '22423', quantity: 10 },
      { sku: '22424', quantity: 1 },
      { sku: '22720', quantity: 2 },
      { sku: '22721', quantity: 6 },
    ]);
    expect(plan.startsAt?.at).toBe('2011-03-26T23:59:00');
  });

  test('sums to control totals worked out by hand', () => {
    expect(totalsOf(plan)).toEqual({
      rows: 21,
      badRows: 0,
      rowsWithoutEffect: 1,
      sales: {
        orders: 5,
        lines: 9,
        units: 51,
        skus: 7,
        pence: 2080n + 832n + 975n + 1800n + 0n + 1000n + 2970n + 1667n + 4160n,
        freeLines: 1,
        freeUnits: 2,
      },
      credits: {
        notes: 3,
        lines: 7,
        units: 23,
        pence: -(2400n + 780n + 585n + 1800n + 1275n + 1_354_133n),
        matchedLines: 3,
        matchedUnits: 16,
        blindReturnLines: 3,
        chargeReversalLines: 1,
      },
      writeOffs: { lines: 1, units: -7 },
      finds: { lines: 1, units: 9 },
      badDebt: { entries: 1, pence: -1_106_206n },
      openingUnits: 58,
      months: [
        { month: '2011-03', salesPence: 11_324n, creditPence: 0n },
        { month: '2011-04', salesPence: 4_160n, creditPence: -1_360_973n },
      ],
      codes: [
        { code: 'AMAZONFEE', salesPence: 0n, creditPence: -1_354_133n },
        { code: 'POST', salesPence: 1_800n, creditPence: -1_800n },
        { code: 'gift_0001_20', salesPence: 1_667n, creditPence: 0n },
      ],
    });
  });

  test('is the same plan when the file is read again', async () => {
    expect(await readPlan(QUIRKS)).toEqual(plan);
  });

  test('is the beginning of the plan when only the first rows are read', async () => {
    const head = await readPlan(QUIRKS, { limitRows: 12 });
    expect(head.rows).toBe(12);
    expect(head.items).toEqual(plan.items.filter(({ row }) => row <= 12));
  });
});
