import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { lineKindOf } from '../../../../src/adapters/channels/online-retail/codes.js';
import { amountPence } from '../../../../src/adapters/channels/online-retail/money.js';
import { readPlan } from '../../../../src/adapters/channels/online-retail/plan.js';
import type { Plan, PlannedLine } from '../../../../src/adapters/channels/online-retail/plan-types.js';
import { type PlanTotals, totalsOf } from '../../../../src/adapters/channels/online-retail/totals.js';

const FILE = fileURLToPath(
  new URL('../../../../../shared/data/online-retail/online_retail.csv.gz', import.meta.url),
);
const present = existsSync(FILE);
if (!present) console.info(`skipped: the Online Retail file is not part of the project and not at ${FILE}`);
const describeWhenYearIsPresent = present ? describe : describe.skip;

const OPENING_UNITS = 5_786_078;
const READ_LIMIT_MS = 30_000;
const PLAN_HEAP_LIMIT_MB = 400;

function pence(pounds: string): bigint {
  return BigInt(pounds.replace(/[,.]/g, ''));
}

describeWhenYearIsPresent('the Online Retail year', () => {
  let plan: Plan;
  let totals: PlanTotals;
  let heapMb = 0;

  beforeAll(async () => {
    // What the plan keeps, not what reading it left behind or other test files did before it.
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    plan = await readPlan(FILE);
    collect();
    heapMb = (process.memoryUsage().heapUsed - before) / 1e6;
    console.info(`planned in ${Math.round(performance.now() - started)} ms, heap ${Math.round(heapMb)} MB`);
    totals = totalsOf(plan);
  }, READ_LIMIT_MS);

  test('is taken whole: every row has exactly one place in the plan', () => {
    expect(totals.badRows).toBe(0);
    expect(plan.rows).toBe(541_909);
    const seen = new Uint8Array(plan.rows + 1);
    const place = (row: number) => {
      seen[row] = (seen[row] ?? 0) + 1;
    };
    for (const item of plan.items) {
      if (item.type === 'order') for (const line of item.lines) place(line.row);
      else place(item.row);
    }
    for (const { row } of plan.withoutEffect) place(row);
    expect(seen.subarray(1).every((count) => count === 1)).toBe(true);
    expect(heapMb).toBeLessThan(PLAN_HEAP_LIMIT_MB);
  });

  test('sells 10,655,622.48 over 19,959 orders', () => {
    expect(totals.sales).toEqual({
      orders: 19_959,
      lines: 530_103,
      units: 5_588_375,
      skus: 3_921,
      pence: pence('10,655,622.48'),
      freeLines: 400,
      freeUnits: 2_023,
    });
  });

  test('credits -896,812.49 over 3,836 notes', () => {
    expect(totals.credits).toMatchObject({
      notes: 3_836,
      lines: 9_288,
      units: 277_574,
      pence: pence('-896,812.49'),
    });
  });

  test('matches 7,518 credit lines and 250,377 units', () => {
    const { matchedLines, matchedUnits, blindReturnLines, chargeReversalLines } = totals.credits;
    expect([matchedLines, matchedUnits]).toEqual([7_518, 250_377]);
    expect(matchedLines + blindReturnLines + chargeReversalLines).toBe(9_288);
  });

  test('has 726 matched lines bought at another price, credited 3,637.39 below their cost', () => {
    const lines = new Map<string, PlannedLine>();
    for (const item of plan.items) {
      if (item.type === 'order')
        for (const line of item.lines) lines.set(`${item.externalId}-${line.lineId}`, line);
    }
    let otherPrice = 0;
    let cost = 0n;
    let credited = 0n;
    for (const item of plan.items) {
      if (item.type !== 'credit' || item.disposition !== 'matched') continue;
      const bought = item.parts.map((part) => lines.get(`${part.externalId}-${part.lineId}`));
      if (bought.some((line) => line?.unitPrice !== item.unitPrice)) otherPrice += 1;
      item.parts.forEach((part, index) => {
        cost += amountPence(bought[index]?.unitPrice ?? '', part.quantity);
      });
      credited += item.pence;
    }
    expect(otherPrice).toBe(726);
    expect(cost - credited).toBe(pence('3,637.39'));
  });

  test('gives back more than an order had left 6 times, 2,808.02 in all, which the import has to say', () => {
    const left = new Map<string, bigint>();
    let [times, beyond] = [0, 0n];
    for (const item of plan.items) {
      if (item.type === 'order') {
        const sold = item.lines.map(({ unitPrice, quantity }) => amountPence(unitPrice, quantity));
        left.set(
          item.externalId,
          sold.reduce((sum, amount) => sum + amount, 0n),
        );
      }
      if (item.type !== 'credit') continue;
      for (const id of item.dependsOn) {
        const parts = item.parts.filter(({ externalId }) => externalId === id);
        const credited = parts.reduce((sum, part) => sum + part.pence, 0n);
        const rest = left.get(id) ?? 0n;
        if (credited > rest && credited > 0n) {
          times += 1;
          beyond += credited - (rest > 0n ? rest : 0n);
        }
        left.set(id, rest - credited);
      }
    }
    expect([times, beyond]).toEqual([6, pence('2,808.02')]);
  });

  test('shows each of the 13 months to the penny', () => {
    const expected = [
      ['2010-12', '823,746.14', '-74,789.12'],
      ['2011-01', '691,364.56', '-131,364.30'],
      ['2011-02', '523,631.89', '-25,569.24'],
      ['2011-03', '717,639.36', '-34,372.28'],
      ['2011-04', '537,808.62', '-44,601.50'],
      ['2011-05', '770,536.02', '-47,202.51'],
      ['2011-06', '761,739.90', '-70,616.78'],
      ['2011-07', '719,221.19', '-37,921.08'],
      ['2011-08', '748,076.32', '-54,333.75'],
      ['2011-09', '1,058,590.17', '-38,902.55'],
      ['2011-10', '1,154,979.30', '-84,274.63'],
      ['2011-11', '1,509,496.33', '-47,740.08'],
      ['2011-12', '638,792.68', '-205,124.67'],
    ] as const;
    expect(totals.months).toEqual(
      expected.map(([month, sales, credit]) => ({
        month,
        salesPence: pence(sales),
        creditPence: pence(credit),
      })),
    );
  });

  test('has 1,336 write-offs, 1,179 free rows and three bad debts', () => {
    expect(totals.writeOffs).toEqual({ lines: 1_336, units: -206_957 });
    expect(totals.finds.lines + totals.rowsWithoutEffect + totals.sales.freeLines).toBe(1_179);
    expect(totals.rowsWithoutEffect).toBe(11);
    expect(totals.badDebt).toEqual({ entries: 3, pence: pence('-11,062.06') });
  });

  test('sums every code that is not goods as its data page does', () => {
    const vouchers = totals.codes.filter(({ code }) => lineKindOf(code) === 'voucher');
    expect(vouchers.map(({ code }) => code)).toEqual(
      ['10', '20', '30', '40', '50'].map((pounds) => `gift_0001_${pounds}`),
    );
    expect(vouchers.reduce((sum, code) => sum + code.salesPence, 0n)).toBe(pence('685.81'));
    expect(totals.codes.filter(({ code }) => lineKindOf(code) !== 'voucher')).toEqual(
      [
        ['AMAZONFEE', '13,761.09', '-235,281.59'],
        ['BANK CHARGES', '165.00', '-7,340.64'],
        ['C2', '7,051.00', '-65.00'],
        ['CRUK', '0', '-7,933.43'],
        ['D', '0', '-5,696.22'],
        ['DOT', '206,248.77', '-3.29'],
        ['M', '78,110.27', '-146,784.46'],
        ['POST', '78,101.88', '-11,871.24'],
        ['S', '63.05', '-3,112.44'],
      ].map(([code, sales = '', credit = '']) => ({
        code,
        salesPence: pence(sales),
        creditPence: pence(credit),
      })),
    );
  });

  test('opens with as many units of each of 4,029 SKUs as ever leave', () => {
    const leaving = new Map<string, number>();
    const leave = (sku: string, units: number) => leaving.set(sku, (leaving.get(sku) ?? 0) + units);
    for (const item of plan.items) {
      if (item.type === 'adjustment' && item.delta < 0) leave(item.sku, -item.delta);
      if (item.type !== 'order') continue;
      for (const line of item.lines) if (line.kind === 'goods') leave(line.sku, line.quantity);
    }
    expect(new Map(plan.opening.map(({ sku, quantity }) => [sku, quantity]))).toEqual(leaving);
    expect(plan.opening.length).toBe(4_029);
    // counted from the file by another program
    expect(totals.openingUnits).toBe(OPENING_UNITS);
  });

  test('lets every credit depend only on orders before it in the sequence', () => {
    const placed = new Set<string>();
    let late = 0;
    for (const item of plan.items) {
      if (item.type === 'order') placed.add(item.externalId);
      if (item.type === 'credit' && !item.dependsOn.every((id) => placed.has(id))) late += 1;
    }
    expect(late).toBe(0);
    expect(plan.items.every((item, index) => item.row > (plan.items[index - 1]?.row ?? 0))).toBe(true);
  });
});
