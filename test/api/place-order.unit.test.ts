import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { viewOfState } from '../../src/api/order-view.js';
import { placeOrderRoute } from '../../src/api/place-order.js';
import { channel } from '../../src/domain/channel.js';
import { isRejection } from '../../src/domain/decider.js';
import { order } from '../../src/domain/order.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import type { RuleText } from '../../src/domain/review-rules.js';
import { stock } from '../../src/domain/stock.js';
import { createOrderProcess } from '../../src/processes/order-process.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';
import { DatabaseUnavailable } from '../../src/runtime/database.js';
import { MemoryLog } from '../projections/memory-log.js';
import { stateOf } from '../support/decider-spec.js';
import { place } from '../support/orders.js';

/** What the placement of an order asks of PostgreSQL, which may be away. */
const NOW = new Date('2026-01-15T12:00:00Z');
const context = (): CommandContext => ({
  commandId: 'c',
  correlationId: 'c',
  actor: 'key:k',
  effectiveAt: NOW.toISOString(),
});
const rule = (when: RuleText['when']): RuleText => ({
  id: 'r',
  holdType: 'fraud',
  blocks: ['confirm'],
  role: 'finance',
  when,
});
const FIRST = rule({ kind: 'first-order' });
const LIST = rule({ kind: 'customer', customerIds: ['c9'] });

/** Places one order on a channel with these rules; what became of it, and what the database was asked. */
const placeOn = async (
  rules: readonly RuleText[],
  customerId: string | undefined,
  rows: object[] | Error,
) => {
  const bus = new MemoryLog();
  const settings = {
    name: 'Web',
    timeZone: 'UTC',
    currencies: ['GBP'],
    sources: ['main'],
    confirm: 'auto' as const,
  };
  await bus.execute(channel, 'web', { type: 'configure', settings }, context());
  const set = { type: 'set-review-rules', keepSeconds: 60, rules } as const;
  if (rules.length > 0) await bus.execute(channel, 'web', set, context());
  await bus.execute(stock, 'main~A', { type: 'receive', receiptId: 'r', quantity: 9 }, context());
  const asked: unknown[] = [];
  const route = placeOrderRoute(
    {
      bus,
      orders: createOrderProcess(bus),
      log: pino({ level: 'silent' }),
      db: {
        query: async <Row>(_: string, parameters: readonly unknown[] = []) => {
          asked.push(...parameters);
          if (rows instanceof Error) throw rows;
          return { rows: rows as Row[], rowCount: rows.length };
        },
      },
    },
    { orderWaitMs: 60_000 },
  );
  const answer = await route.run({
    params: {},
    query: {},
    body: {
      channel: 'web',
      externalId: '1',
      currency: 'GBP',
      ...(customerId === undefined ? {} : { customerId }),
      lines: [{ sku: 'A', quantity: 1, unitPrice: '1.00' }],
    },
    caller: { keyId: 'k', role: 'admin', channel: undefined },
    requestId: 'r',
    idempotencyKey: undefined,
    now: NOW,
    context,
  });
  const { status, expiresAt } = answer.body as { status: string; expiresAt?: string };
  return { status, expiresAt, asked };
};

const placedWith = (requestedDelivery: { from?: string; to?: string }): OrderEvent => {
  const decided = order.decide(place([{ lineId: '1' }], { requestedDelivery }), order.initialState);
  if (isRejection(decided) || decided[0] === undefined) throw new Error('not placed');
  return decided[0];
};

const CONFIRMED = { status: 'confirmed', expiresAt: undefined, asked: [] };
const HELD = { status: 'reserved', expiresAt: '2026-01-15T12:01:00.000Z' };

describe('placing an order', () => {
  test('asks PostgreSQL nothing unless a rule wants to know the customer', async () => {
    expect(await placeOn([], 'c1', [])).toEqual(CONFIRMED);
    expect(await placeOn([LIST], 'c1', [])).toEqual(CONFIRMED);
    expect(await placeOn([FIRST], undefined, [])).toEqual({ ...HELD, asked: [] });
  });

  test('holds the first order of a customer, and not that of a known one', async () => {
    expect(await placeOn([FIRST], 'c1', [])).toEqual({ ...HELD, asked: ['c1'] });
    expect(await placeOn([FIRST], 'c1', [{}])).toEqual({ ...CONFIRMED, asked: ['c1'] });
  });

  test('waits for no PostgreSQL that is away: whom nobody knows of is reviewed', async () => {
    const away = new DatabaseUnavailable('connection', 'refused');
    expect(await placeOn([FIRST], 'c1', away)).toEqual({ ...HELD, asked: ['c1'] });
  });
});

test('an order that asks for no day says so in one way, as its row does', () => {
  const viewed = (requestedDelivery: { from?: string; to?: string }) =>
    viewOfState('web~1', stateOf(order, [placedWith(requestedDelivery)]), { role: 'admin' })
      ?.requestedDelivery;
  expect(viewed({})).toBeUndefined();
  expect(viewed({ to: '2026-01-20' })).toEqual({ to: '2026-01-20' });
});
