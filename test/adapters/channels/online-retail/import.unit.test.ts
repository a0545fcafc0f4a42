import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { planRows, readPlan } from '../../../../src/adapters/channels/online-retail/plan.js';
import type { Plan } from '../../../../src/adapters/channels/online-retail/plan-types.js';
import type { Row } from '../../../../src/adapters/channels/online-retail/row.js';
import { blindReturn } from '../../../../src/domain/blind-return.js';
import type { Decider, DomainEvent } from '../../../../src/domain/decider.js';
import { order } from '../../../../src/domain/order.js';
import { stock } from '../../../../src/domain/stock.js';
import { noteIdOf } from '../../../../src/processes/return-process.js';
import { type EventStore, EventStoreUnavailable } from '../../../../src/runtime/event-store.js';
import { createMemoryEventStore, type MemoryEventStore } from '../../../support/memory-event-store.js';
import { countByType, expectedEvents } from './expected-events.js';
import { runImport } from './import-house.js';

const QUIRKS = fileURLToPath(new URL('./quirks.csv', import.meta.url));

function stateOf<Command, Event extends DomainEvent, State>(
  store: MemoryEventStore,
  decider: Decider<Command, Event, State>,
  id: string,
): State {
  return store.log
    .filter(({ stream }) => stream === `${decider.category}-${id}`)
    .reduce((state, { type, data }) => decider.evolve(state, { type, data } as Event), decider.initialState);
}

/** What does not depend on who was faster: the stock of every SKU, and the events of every order and note as they came. */
const endOf = (store: MemoryEventStore) => {
  const streams = [...new Set(store.log.map(({ stream }) => stream))].sort();
  return streams.map((stream) => {
    if (stream.startsWith('stock-')) {
      const { onHand, holds, applied } = stateOf(store, stock, stream.slice('stock-'.length));
      const ended = [...holds.ended].sort();
      return { stream, onHand, open: holds.open.size, held: holds.held, ended, applied: [...applied].sort() };
    }
    const events = store.log.filter((event) => event.stream === stream);
    const facts = events.map(({ type, data, metadata }) =>
      JSON.stringify({ type, data, effectiveAt: metadata.effectiveAt }),
    );
    return { stream, facts: stream.startsWith('order-') ? facts : facts.sort() };
  });
};

const row = (number: number, fields: Partial<Row>): Row => ({
  row: number,
  invoice: '1',
  letter: '',
  sku: 'A',
  description: 'THING',
  quantity: 1,
  at: '2011-01-04T10:00:00',
  instant: '2011-01-04T10:00:00.000Z',
  unitPrice: '1.50',
  customer: '17850',
  country: 'United Kingdom',
  ...fields,
});

describe('importing a small file with every quirk', () => {
  let plan: Plan;
  let store: MemoryEventStore;

  beforeAll(async () => {
    plan = await readPlan(QUIRKS);
    store = createMemoryEventStore();
    const { report } = await runImport(store, plan);
    expect(report).toMatchObject({ refusals: [], orders: 5, skipped: 0, resumed: false, retries: 0 });
    expect(report.done).toBe(report.total);
  });

  test('leaves as many events of each type as the plan promises, but for what the poster is to post', () => {
    const { EntryPosted: entries, ...expected } = expectedEvents(plan);
    expect(entries).toBe(5 + 3 + 4 + 1);
    expect(countByType(store.log)).toEqual({ ...expected, EntryPosted: 1 });
  });

  test('ships every order at its own time, with its lines, prices, country and customer', () => {
    const state = stateOf(store, order, 'online-retail~1003');
    expect(state.status).toBe('completed');
    expect(state.placed).toMatchObject({
      placedAt: '2011-03-28T08:05:00.000Z',
      customerId: '12583',
      destination: { country: 'FR' },
      confirm: 'auto',
      sources: ['main'],
    });
    expect([...state.lines.values()].map(({ sku, amount, shipped }) => [sku, amount, shipped])).toEqual([
      ['22720', 0n, 2],
      ['22721', 2970n, 6],
    ]);
    const facts = store.log.filter(({ stream }) => stream === 'order-online-retail~1003');
    expect(new Set(facts.map(({ metadata }) => metadata.effectiveAt))).toEqual(
      new Set(['2011-03-28T08:05:00.000Z']),
    );
    expect(facts.map(({ type }) => type)).toEqual([
      'OrderPlaced',
      'OrderReserved',
      'OrderConfirmed',
      'OrderShipped',
      'OrderCompleted',
    ]);
  });

  test('leaves in stock exactly what came back and what was found', () => {
    const onHand = (sku: string): number => stateOf(store, stock, `main~${sku}`).onHand;
    expect(onHand('85099B')).toBe(12 + 4 + 3);
    expect(onHand('85099b')).toBe(0);
    expect(onHand('22423')).toBe(9 + 1);
    expect(onHand('22720')).toBe(1);
    for (const { sku } of plan.opening) expect(stateOf(store, stock, `main~${sku}`).holds.held).toBe(0);
  });

  test('credits what the note says and books the difference to the shares as an allowance', () => {
    const returned = store.log.filter(({ type }) => type === 'OrderReturned').map(({ data }) => data);
    expect(returned).toEqual([
      expect.objectContaining({
        returnId: 'C1007-1',
        note: 'C1007',
        reason: 'JUMBO BAG',
        // 10 at 2.08 and 2 at 1.95 are worth 24.70; the note gives 24.00
        allowance: '-0.70',
        lines: [
          expect.objectContaining({ lineId: '1', quantity: 10, amount: '20.80', location: 'main' }),
          expect.objectContaining({ lineId: '3', quantity: 2, amount: '3.90', location: 'main' }),
        ],
      }),
      expect.objectContaining({ returnId: 'C1007-3', allowance: '0.00' }),
      expect.objectContaining({
        returnId: 'C1007-4',
        lines: [expect.objectContaining({ kind: 'charge', account: 'postage', amount: '18.00' })],
      }),
    ]);
  });

  test('records what names no order on its note: goods to the location, charges to their account', () => {
    const lines = stateOf(store, blindReturn, noteIdOf('online-retail', 'C1008'));
    expect(lines.get('1')).toMatchObject({ kind: 'goods', location: 'main', amount: '12.75' });
    expect(lines.get('2')).toMatchObject({ kind: 'charge', account: 'marketplace_fees', amount: '13541.33' });
    expect(lines.get('2')).not.toHaveProperty('location');
  });

  test('adjusts stock with the reason of the row, and the ledger for bad debt', () => {
    const adjusted = store.log.filter(({ type }) => type === 'StockAdjusted').map(({ data }) => data);
    expect(adjusted).toEqual([
      { adjustmentId: '1004-1', delta: -7, reason: 'damaged' },
      { adjustmentId: '1005-1', delta: 9, reason: 'unspecified' },
    ]);
    const entries = store.log.filter(({ type }) => type === 'EntryPosted');
    expect(entries.map(({ stream, data }) => ({ stream, data }))).toEqual([
      {
        stream: 'settlement-online-retail~2011-04',
        data: {
          entryId: 'adjustment-online-retail~2011-04~A1011-1',
          adjustmentId: 'A1011-1',
          party: 'online-retail',
          month: '2011-04',
          kind: 'write_off',
          effectiveAt: '2011-04-04T13:51:00.000Z',
          effectiveDay: '2011-04-04',
          currency: 'GBP',
          reference: { document: 'A1011-1' },
          reason: 'Adjust bad debt',
          postings: [
            { account: 'receivable', amount: '-11062.06' },
            { account: 'bad_debt', amount: '11062.06' },
          ],
        },
      },
    ]);
  });

  test('writes nothing when it is run again, and reads each stream once to find that out', async () => {
    const before = store.log.length;
    const { appends, reads } = store.counts;
    const { report } = await runImport(store, plan);
    expect(report).toMatchObject({ refusals: [], orders: 5, skipped: 5, resumed: true });
    expect(store.log).toHaveLength(before);
    // only the 3 blind returns and 2 adjustments ask streams anew that were read before
    const streams = new Set(store.log.map(({ stream }) => stream)).size;
    expect(store.counts.reads - reads).toBeLessThanOrEqual(streams + 8);
    // and a stream that nobody has looked at is first taken for new: location, channel, 3 notes, the ledger
    expect(store.counts.appends).toBeLessThanOrEqual(appends + 6);
  });

  test('comes to the same end wherever it is cut, with the answer of the last append lost or not', async () => {
    const end = endOf(store);
    const counts = countByType(store.log);
    const appendsOfAll = await cutAfter(Number.POSITIVE_INFINITY, false);
    for (let k = 0; k <= appendsOfAll.appends; k += 1) {
      for (const answered of [true, false]) {
        const { cut } = await cutAfter(k, answered);
        const { report } = await runImport(cut, plan);
        expect(report.refusals).toEqual([]);
        expect({ k, counts: countByType(cut.log) }).toEqual({ k, counts });
        expect(endOf(cut)).toEqual(end);
      }
    }
  }, 60_000);

  /** An import that dies with its k-th append: written always, answered or not. */
  async function cutAfter(k: number, answered: boolean) {
    const cut = createMemoryEventStore();
    let appends = 0;
    const dying: EventStore = {
      ...cut,
      append: async (stream, events, expected) => {
        if (appends >= k) throw new Error('killed');
        appends += 1;
        const outcome = await cut.append(stream, events, expected);
        if (appends === k && !answered) throw new Error('killed');
        return outcome;
      },
    };
    const died = await runImport(dying, plan).then(
      () => false,
      () => true,
    );
    if (k === 0) expect(died).toBe(true);
    return { cut, appends };
  }
});

describe('an import', () => {
  test('names the row and the code of what the core refuses, and goes on with the rest', async () => {
    const lines = Array.from({ length: 2_001 }, (_, index) => row(index + 1, { sku: `S${index}` }));
    const plan = planRows([
      ...lines,
      row(2_002, { invoice: '2', sku: 'B' }),
      row(2_003, { invoice: 'C3', letter: 'C', sku: 'S7', quantity: -1 }),
    ]);
    const store = createMemoryEventStore();
    const { report } = await runImport(store, plan);
    expect(report.refusals).toEqual([
      { row: 1, type: 'order', id: '1', code: 'too_many_lines', message: expect.any(String) },
      { row: 2_003, type: 'credit', id: 'C3-1', code: 'unknown_order', message: expect.any(String) },
    ]);
    expect(report.orders).toBe(1);
    expect(stateOf(store, order, 'online-retail~2').status).toBe('completed');
  });

  test('refuses an invoice that has changed since it was imported', async () => {
    const store = createMemoryEventStore();
    await runImport(store, planRows([row(1, {})]));
    const { report } = await runImport(store, planRows([row(1, { unitPrice: '1.49' })]));
    expect(report.refusals).toEqual([expect.objectContaining({ row: 1, id: '1', code: 'order_exists' })]);
  });

  test('adds the opening stock that more rows of the same file need, and never twice', async () => {
    const store = createMemoryEventStore();
    const rows = [row(1, { quantity: 3 }), row(2, { invoice: '2', quantity: 4 })];
    const received = () => store.log.filter(({ type }) => type === 'StockReceived').map(({ data }) => data);
    await runImport(store, planRows(rows.slice(0, 1)));
    await runImport(store, planRows(rows));
    await runImport(store, planRows(rows));
    await runImport(store, planRows(rows.slice(0, 1)));
    expect(received()).toEqual([
      { receiptId: 'opening-3', quantity: 3, reason: 'opening stock' },
      { receiptId: 'opening-7', quantity: 4, reason: 'opening stock' },
    ]);
    expect(stateOf(store, stock, 'main~A').onHand).toBe(0);
  });

  test('takes the returns of an order one after the other in the order of the file, whoever is slow', async () => {
    // 3 units for 1.00: the first carries 0.34, so the sequence decides which note has an allowance
    const credit = (number: number): Row =>
      row(number, { invoice: `C${number}`, letter: 'C', quantity: -1, unitPrice: '0.33' });
    const plan = planRows([row(1, { quantity: 3, unitPrice: '0.333333' }), credit(2), credit(3), credit(4)]);
    const store = createMemoryEventStore();
    store.onAppend = async (_, events) => {
      const slow = events.some(({ data }) => JSON.stringify(data).includes('"C2-1"'));
      await new Promise((resolve) => setTimeout(resolve, slow ? 20 : 0));
    };
    await runImport(store, plan);
    const returned = store.log.filter(({ type }) => type === 'OrderReturned').map(({ data }) => data);
    expect(returned.map((data) => (data as { returnId: string; allowance: string }).returnId)).toEqual([
      'C2-1',
      'C3-1',
      'C4-1',
    ]);
    expect(returned.map((data) => (data as { allowance: string }).allowance)).toEqual([
      '-0.01',
      '0.00',
      '0.00',
    ]);
  });

  test('has at least 128 orders on their way at once', async () => {
    const rows = Array.from({ length: 400 }, (_, index) =>
      row(index + 1, { invoice: String(index + 1), sku: `S${index}` }),
    );
    const store = createMemoryEventStore();
    let placing = 0;
    let most = 0;
    store.onAppend = async (_, events) => {
      if (events[0]?.type !== 'OrderPlaced') return;
      placing += 1;
      most = Math.max(most, placing);
      await new Promise((resolve) => setTimeout(resolve, 20));
      placing -= 1;
    };
    await runImport(store, planRows(rows), { inFlight: 128 });
    expect(most).toBe(128);
  });

  test('sends again what the store did not answer, and everything is there once', async () => {
    const rows = Array.from({ length: 60 }, (_, index) =>
      row(index + 1, { invoice: String(1 + Math.floor(index / 3)), sku: `S${index % 7}` }),
    );
    const calm = createMemoryEventStore();
    await runImport(calm, planRows(rows));
    const store = createMemoryEventStore();
    let calls = 0;
    store.onAppend = async () => {
      calls += 1;
      if (calls % 5 === 0) throw new EventStoreUnavailable('away for a moment');
      store.loseNextAnswer = calls % 7 === 0;
    };
    const { report } = await runImport(store, planRows(rows));
    expect(report.refusals).toEqual([]);
    expect(report.retries).toBeGreaterThan(0);
    expect(endOf(store)).toEqual(endOf(calm));
  });

  test('stops between two items when it is told to, and goes on from there', async () => {
    const rows = Array.from({ length: 500 }, (_, index) =>
      row(index + 1, { invoice: String(index + 1), sku: `S${index % 50}` }),
    );
    const plan = planRows(rows);
    const store = createMemoryEventStore();
    const stop = new AbortController();
    const first = runImport(store, plan, {
      inFlight: 128,
      signal: stop.signal,
      onProgress: ({ orders }) => {
        if (orders >= 50) stop.abort(new Error('enough'));
      },
    });
    await expect(first).rejects.toThrow('enough');
    const shipped = () => store.log.filter(({ type }) => type === 'OrderCompleted').length;
    expect(shipped()).toBeGreaterThanOrEqual(50);
    expect(shipped()).toBeLessThan(400);
    const { report } = await runImport(store, plan);
    expect(report.skipped).toBeGreaterThanOrEqual(50);
    expect(shipped()).toBe(500);
  });

  test('a note that credits more than its order had charged is imported as it is, and says so', async () => {
    const rows = [
      row(1, { quantity: 2 }),
      row(2, { invoice: 'C2', letter: 'C', quantity: -1, unitPrice: '2.00' }),
      row(3, { invoice: 'C3', letter: 'C', quantity: -1, unitPrice: '5.00' }),
    ];
    const store = createMemoryEventStore();
    const { report } = await runImport(store, planRows(rows));
    expect(report.refusals).toEqual([]);
    const returned = store.log.filter(({ type }) => type === 'OrderReturned').map(({ data }) => data);
    expect(returned).toMatchObject([
      { returnId: 'C2-1', allowance: '0.50' },
      { returnId: 'C3-1', allowance: '3.50', goodwill: 'as the credit note says' },
    ]);
    expect(returned[0]).not.toHaveProperty('goodwill');
    // Again it is the same.
    await runImport(store, planRows(rows));
    expect(store.log.filter(({ type }) => type === 'OrderReturned')).toHaveLength(2);
  });

  test('does nothing with a file of no good row', async () => {
    const store = createMemoryEventStore();
    const { report } = await runImport(store, planRows([]));
    expect(report).toMatchObject({ orders: 0, refusals: [] });
    expect(store.log).toHaveLength(0);
  });
});
