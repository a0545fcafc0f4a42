import { describe, expect, test } from '@jest/globals';
import type { StoredEvent } from '../../src/runtime/event-store.js';
import type { Recorded } from './history.js';
import { checkAnswers, checkOnce, foldShop, Remembered } from './log-oracle.js';

/** An oracle that cannot see is worse than none: each promise is broken here once, by hand. */
type Written = readonly [stream: string, type: string, data: Record<string, unknown>, commandId?: string];

const logOf = (...events: readonly Written[]): StoredEvent[] => {
  const next = new Map<string, number>();
  return events.map(([stream, type, data, commandId], index) => {
    const revision = next.get(stream) ?? 0;
    next.set(stream, revision + 1);
    const position = { commit: BigInt(index * 10), prepare: BigInt(index * 10) };
    const metadata = commandId === undefined ? {} : { commandId, requestHash: 'x' };
    return {
      id: `event-${index}`,
      type,
      data,
      metadata,
      stream,
      revision,
      position,
      recordedAt: new Date(0),
    };
  });
};

const STOCK = 'stock-east~A';
const ORDER = 'order-web~1';
const received: Written = [STOCK, 'StockReceived', { receiptId: 'r', quantity: 3 }];
const held: Written = [STOCK, 'StockHeld', { holdId: 'web~1', quantity: 2 }];
const captured: Written = [STOCK, 'StockCaptured', { holdId: 'web~1', quantity: 2 }];
const line = { lineId: '1', kind: 'goods', sku: 'A', quantity: 2 };
const placed: Written = [ORDER, 'OrderPlaced', { coupons: [], lines: [line] }];
const reserved: Written = [
  ORDER,
  'OrderReserved',
  { allocations: [{ sku: 'A', location: 'east', quantity: 2 }] },
];
const confirmed: Written = [ORDER, 'OrderConfirmed', {}];
const shipped: Written = [ORDER, 'OrderShipped', { shipmentId: 's', lines: [{ ...line, location: 'east' }] }];
const posted: Written = ['settlement-web~2026-11', 'EntryPosted', { entryId: 'e', cause: { id: 'event-5' } }];
const WHOLE = [received, placed, held, reserved, confirmed, shipped, captured, posted] as const;

const codes = (violations: readonly { readonly code: string }[]): string[] =>
  violations.map(({ code }) => code);
const without = (...gone: readonly Written[]): StoredEvent[] =>
  logOf(...WHOLE.filter((one) => !gone.includes(one)));

const receipt = (answer: Recorded['answer'], attempts: Recorded['attempts'] = []): Recorded => ({
  round: 1,
  kind: 'receive',
  method: 'POST',
  path: '/',
  body: { quantity: 3 },
  key: undefined,
  stream: STOCK,
  eventType: 'StockReceived',
  businessId: 'r',
  attempts,
  ...(answer === undefined ? {} : { answer }),
});
const accepted = { status: 201, body: {}, position: '0' };

describe('the oracle', () => {
  test('finds nothing in a log that is right', () => {
    const log = logOf(...WHOLE);
    expect([...checkOnce(log), ...foldShop(log).violations, ...foldShop(log).unsettled]).toEqual([]);
    expect(checkAnswers(log, [receipt(accepted)])).toEqual([]);
  });

  test('finds what was acknowledged and is not there, or is there only later or otherwise', () => {
    expect(codes(checkAnswers(without(received), [receipt(accepted)]))).toEqual(['acknowledged_lost']);
    const late = logOf(placed, received);
    expect(codes(checkAnswers(late, [receipt(accepted)]))).toEqual(['wrong_position']);
    const other = logOf([STOCK, 'StockReceived', { receiptId: 'r', quantity: 4 }]);
    expect(codes(checkAnswers(other, [receipt(accepted)]))).toEqual(['acknowledged_other']);
  });

  test('finds what was refused and done, refused without reason, or never answered', () => {
    const log = logOf(...WHOLE);
    const refused = { status: 409, body: { code: 'id_reused' }, position: '0' };
    expect(codes(checkAnswers(log, [receipt(refused)]))).toEqual(['wrong_refusal', 'refused_but_done']);
    expect(codes(checkAnswers(log, [receipt(undefined)]))).toEqual(['unanswered']);
  });

  test('finds what was applied twice, a command in two places, and a gap', () => {
    expect(codes(checkOnce(logOf(received, received)))).toEqual(['applied_twice']);
    const twoPlaces = logOf([STOCK, 'X', {}, 'key'], [ORDER, 'X', {}, 'key']);
    expect(codes(checkOnce(twoPlaces))).toEqual(['command_twice']);
    expect(codes(checkOnce(logOf(received, placed, held).slice(1)))).toEqual(['stream_gap']);
  });

  test('finds oversold stock, and a hold that is used beyond itself', () => {
    expect(codes(foldShop(logOf(placed, held)).violations)).toContain('oversold');
    expect(codes(foldShop(logOf(received, held, captured, captured)).violations)).toContain('hold_overdrawn');
    expect(codes(foldShop(without(held, captured)).violations)).toContain('reserved_without_hold');
  });

  test('finds a leaked hold, a shipment that stock or ledger did not follow, and an order without an outcome', () => {
    expect(foldShop(without(captured)).unsettled).toHaveLength(1);
    expect(foldShop(without(posted)).unsettled).toHaveLength(1);
    expect(foldShop(logOf(placed)).unsettled).toEqual([`${ORDER} has no outcome`]);
    const rejected: Written = [ORDER, 'OrderRejected', { code: 'x' }];
    expect(foldShop(logOf(received, placed, held, rejected)).unsettled).toHaveLength(1);
    expect(foldShop(logOf(received, held)).unsettled).toHaveLength(1);
  });

  test('finds a log that lost its end or had its past changed', () => {
    const remembered = new Remembered();
    expect(remembered.check(logOf(...WHOLE))).toEqual([]);
    expect(remembered.check(logOf(...WHOLE, [ORDER, 'OrderCompleted', {}]))).toEqual([]);
    expect(codes(remembered.check(logOf(...WHOLE)))).toEqual(['log_changed']);
    expect(codes(remembered.check(logOf(placed, received, ...WHOLE)))).toEqual(['log_changed']);
  });
});
