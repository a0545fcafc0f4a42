import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { AuditReport } from '../../../src/audit/audit.js';
import type { Recorded } from '../history.js';
import { checkAnswers } from './answers.js';
import { checkOnce, Remembered } from './once.js';
import { foldShop } from './shop.js';
import { checkTables } from './tables.js';
import { codes, logOf, ORDER, receipt, STOCK, type Written } from './written.js';

/** An oracle that cannot see is worse than none: each promise is broken once, by hand, here or in the tests beside this one. */
const COUPON = 'coupon-TEN';
const LEDGER = 'settlement-web~2026-11';
const received: Written = [STOCK, 'StockReceived', { receiptId: 'r', quantity: 3 }];
const hold = { holdId: 'web~1', quantity: 2 };
const held: Written = [STOCK, 'StockHeld', hold];
const captured: Written = [STOCK, 'StockCaptured', hold];
const issued: Written = [COUPON, 'CouponIssued', { limit: 1 }];
const one = { holdId: 'web~1', quantity: 1 };
const couponHeld: Written = [COUPON, 'CouponHeld', one];
const redeemed: Written = [COUPON, 'CouponRedeemed', one];
const givenBack: Written = [COUPON, 'CouponGivenBack', one];
const line = { lineId: '1', kind: 'goods', sku: 'A', quantity: 2 };
const placed: Written = [ORDER, 'OrderPlaced', { coupons: ['TEN'], lines: [line] }];
const allocations = [{ sku: 'A', location: 'east', quantity: 2 }];
const reserved: Written = [ORDER, 'OrderReserved', { allocations }];
const confirmed: Written = [ORDER, 'OrderConfirmed', {}];
const units = (quantity: number) => [{ lineId: '1', sku: 'A', location: 'east', quantity }];
const shipped: Written = [ORDER, 'OrderShipped', { shipmentId: 's', lines: units(2) }];
const cancelled: Written = [ORDER, 'OrderLinesCancelled', { cancellationId: 'c', lines: units(2) }];
const entry = (cause: string, ...amounts: readonly string[]): Written => [
  LEDGER,
  'EntryPosted',
  { entryId: `e-${amounts}`, cause: { id: cause }, postings: amounts.map((amount) => ({ amount })) },
];
/** The shipment is the tenth. */
const BEFORE = [received, issued, placed, held, couponHeld, reserved, confirmed, redeemed] as const;
const posted = entry('event-8', '7.00', '-7.00');
const WHOLE = [...BEFORE, shipped, captured, posted] as const;

const wrongIn = (...events: readonly Written[]): string[] => codes(foldShop(logOf(...events)).violations);
const leftIn = (...events: readonly Written[]): string[] => foldShop(logOf(...events)).unsettled;
const without = (...gone: readonly Written[]): Written[] => WHOLE.filter((event) => !gone.includes(event));

const placement = (status: string, position: string, body: Record<string, unknown> = {}): Recorded => ({
  ...receipt({ status: 201, body: { status }, position }),
  kind: 'place',
  body: { lines: [{ sku: 'A', quantity: 2 }], ...body },
  stream: ORDER,
  eventType: 'OrderPlaced',
  businessId: '',
});
const accepted = { status: 201, body: {}, position: '0' };

test('a shop that is right has nothing wrong and nothing left to do', () => {
  const log = logOf(...WHOLE);
  expect([...checkOnce(log), ...foldShop(log).violations]).toEqual([]);
  expect(foldShop(log).unsettled).toEqual([]);
  expect(checkAnswers(log, [receipt(accepted), placement('confirmed', '60')])).toEqual([]);
});

describe('of what clients were told, it sees', () => {
  const log = logOf(...WHOLE);

  test('acknowledged_lost: it is not there, or its outcome is not', () => {
    expect(codes(checkAnswers(logOf(...without(received)), [receipt(accepted)]))).toEqual([
      'acknowledged_lost',
    ]);
    const unconfirmed = logOf(...without(confirmed));
    expect(codes(checkAnswers(unconfirmed, [placement('confirmed', '60')]))).toEqual(['acknowledged_lost']);
  });

  test('wrong_position: it is there only later, or at a position that the log has not reached', () => {
    expect(codes(checkAnswers(logOf(placed, received), [receipt(accepted)]))).toEqual(['wrong_position']);
    expect(codes(checkAnswers(log, [placement('confirmed', '50')]))).toEqual(['wrong_position']);
    expect(codes(checkAnswers(log, [placement('confirmed', '5000')]))).toEqual(['wrong_position']);
  });

  test('acknowledged_other: something else than was sent', () => {
    const other = logOf([STOCK, 'StockReceived', { receiptId: 'r', quantity: 4 }]);
    expect(codes(checkAnswers(other, [receipt(accepted)]))).toEqual(['acknowledged_other']);
    for (const lines of [[{ sku: 'A', quantity: 3 }], [{ sku: 'A', quantity: 2 }, { sku: 'B' }]]) {
      expect(codes(checkAnswers(log, [placement('confirmed', '60', { lines })]))).toEqual([
        'acknowledged_other',
      ]);
    }
    const shipment = {
      ...placement('', '80', { lines: [{ lineId: '1', quantity: 1 }] }),
      kind: 'ship' as const,
    };
    const ship = { ...shipment, eventType: 'OrderShipped', businessId: 's' };
    expect(codes(checkAnswers(log, [ship]))).toEqual(['acknowledged_other']);
  });

  test('wrong_refusal, refused_but_done and unanswered', () => {
    const refused = { status: 409, body: { code: 'id_reused' }, position: '0' };
    expect(codes(checkAnswers(log, [receipt(refused)]))).toEqual(['wrong_refusal', 'refused_but_done']);
    expect(codes(checkAnswers(log, [receipt(undefined)]))).toEqual(['unanswered']);
  });
});

describe('of what may be there once, it sees', () => {
  test('applied_twice, command_twice, event_twice, stream_gap and log_disordered', () => {
    expect(codes(checkOnce(logOf(received, received)))).toEqual(['applied_twice']);
    const twoPlaces = logOf([STOCK, 'X', {}, 'key'], [ORDER, 'X', {}, 'key']);
    expect(codes(checkOnce(twoPlaces))).toEqual(['command_twice']);
    const sameId = logOf(received, placed).map((event) => ({ ...event, id: 'same' }));
    expect(codes(checkOnce(sameId))).toEqual(['event_twice']);
    expect(codes(checkOnce(logOf(received, placed, held).slice(1)))).toEqual(['stream_gap']);
    expect(codes(checkOnce(logOf(received, placed).reverse()))).toEqual(['log_disordered']);
  });

  test('log_changed: it lost its end or had its past changed', () => {
    const remembered = new Remembered();
    expect(remembered.check(logOf(...WHOLE))).toEqual([]);
    expect(remembered.check(logOf(...WHOLE, [ORDER, 'OrderCompleted', {}]))).toEqual([]);
    expect(codes(remembered.check(logOf(...WHOLE)))).toEqual(['log_changed']);
    expect(codes(remembered.check(logOf(placed, received, ...WHOLE)))).toEqual(['log_changed']);
  });
});

describe('of what can never be, it sees', () => {
  const more = { holdId: 'web~2', quantity: 2 };
  const adjusted = (delta: number): Written => [STOCK, 'StockAdjusted', { adjustmentId: 'a', delta }];
  const released: Written = [STOCK, 'StockReleased', hold];

  test.each<[code: string, ...events: Written[]]>([
    ['oversold', received, held, [STOCK, 'StockHeld', more]],
    ['below_held', received, held, adjusted(-2)],
    ['negative_stock', received, held, adjusted(-3), captured],
    ['hold_overdrawn', received, held, captured, captured],
    ['hold_reused', received, held, released, held],
    ['coupon_overused', issued, couponHeld, [COUPON, 'CouponHeld', { ...one, holdId: 'web~2' }]],
    ['reserved_without_hold', placed, reserved],
    ['wrong_order', placed, confirmed],
    [
      'unknown_line',
      placed,
      [ORDER, 'OrderShipped', { shipmentId: 's', lines: [{ lineId: '9', quantity: 1 }] }],
    ],
    ['more_than_ordered', ...WHOLE, [ORDER, 'OrderShipped', { shipmentId: 's2', lines: units(1) }]],
    ['event_after_end', placed, [ORDER, 'OrderRejected', {}], reserved],
    ['unbalanced', ...without(posted), entry('event-8', '7.00', '-6.99')],
    ['posted_twice', ...WHOLE, entry('event-8', '1.00', '-1.00')],
    ['entry_without_cause', ...WHOLE, entry('event-0', '1.00', '-1.00')],
  ])('%s', (code, ...events) => {
    expect(wrongIn(...events)).toContain(code);
  });
});

describe('of what must follow, it sees that', () => {
  const rejected: Written = [ORDER, 'OrderRejected', { code: 'x' }];
  const back = [{ lineId: '1', sku: 'A', location: 'east', quantity: 1 }];
  const returned: Written = [ORDER, 'OrderReturned', { returnId: 'r1', lines: back }];

  test.each<[what: string, left: string | RegExp, ...events: Written[]]>([
    ['an order has no outcome', 'has no outcome', placed],
    ['one that waits does not expire', 'not yet expired', received, placed, held, reserved],
    ['a shipment is not captured', `${STOCK} does not follow`, ...without(captured)],
    ['a cancelled unit stays held', `${STOCK} does not follow`, ...BEFORE, cancelled, givenBack],
    ['a rejected order holds stock', `${STOCK} does not follow`, received, placed, held, rejected],
    ['a coupon is not redeemed', `${COUPON} does not follow`, ...without(redeemed)],
    ['one of a rejected order is kept', `${COUPON} does not follow`, issued, placed, couponHeld, rejected],
    [
      'one is not given back',
      `${COUPON} does not follow`,
      ...BEFORE,
      cancelled,
      [STOCK, 'StockReleased', hold],
    ],
    ['a hold belongs to nobody', 'which is no order', received, held],
    ['returned goods are not back', '0 of 1 are back', ...WHOLE, returned],
    ['a shipment has no entry', 'no ledger entry', ...without(posted)],
    ['a return has no entry', 'no ledger entry', ...WHOLE, returned],
  ])('%s', (_, left, ...events) => {
    expect(leftIn(...events)).toEqual(expect.arrayContaining([expect.stringMatching(left)]));
  });
});

describe('of tables, it sees', () => {
  const fine = {
    violations: { count: 0, first: [] },
    parked: [],
    behind: 0,
    ledger: { entries: 1, unposted: 0 },
  };
  const report = (changes: Partial<AuditReport>) =>
    ({ tables: [], ...fine, ...changes }) as unknown as AuditReport;
  const differs = { table: 'orders', rows: 1, differences: 1, first: ['a row'] };
  const violation = { code: 'oversold', stream: STOCK, detail: 'x' } as const;
  const parked = { stream: STOCK, events: 1, revision: 0, type: 'X', error: 'x', parkedAt: new Date(0) };
  const poisoned = new Set([STOCK]);

  test('nothing where nothing differs, poison included', () => {
    const poison = { parked: [parked], violations: { count: 1, first: [violation] } };
    expect(checkTables(report({}), new Set())).toEqual([]);
    expect(checkTables(report(poison), poisoned)).toEqual([]);
  });

  test.each<[what: string, changes: Partial<AuditReport>, poisoned?: Set<string>]>([
    ['a row that differs', { tables: [differs as unknown as AuditReport['tables'][number]] }],
    ['a violation', { violations: { count: 1, first: [violation] } }],
    ['a violation beyond those that are named', { violations: { count: 1, first: [] } }],
    ['a stream parked without poison', { parked: [parked] }],
    ['poison that is not parked', {}, poisoned],
    ['events that are not projected', { behind: 1 }],
    ['causes that are not posted', { ledger: { entries: 0, unposted: 1 } }],
  ])('%s', (_, changes, streams = new Set()) => {
    expect(codes(checkTables(report(changes), streams))).toEqual(['audit']);
  });
});

test('every code that it knows is broken somewhere in its tests', () => {
  const source = (name: string): string => readFileSync(`${import.meta.dirname}/${name}`, 'utf8');
  const all = readdirSync(import.meta.dirname);
  const known = all
    .filter((name) => !name.includes('.unit.test.'))
    .flatMap((name) =>
      [...source(name).matchAll(/(?:code: |wrong\(|\? )'(\w+)'/g)].map(([, code]) => code ?? ''),
    )
    .filter((code) => code.includes('_'));
  expect(known.length).toBeGreaterThan(40);
  const tests = all.filter((name) => name.includes('.unit.test.')).map(source);
  expect(known.filter((code) => !tests.some((text) => text.includes(code)))).toEqual([]);
});
