import { describe, expect, test } from '@jest/globals';
import { isRejection } from '../../src/domain/decider.js';
import { type OrderCommand, order } from '../../src/domain/order.js';
import type { OrderEvent } from '../../src/domain/order-events.js';
import { REVIEWS_MAX } from '../../src/domain/review.js';
import { given, stateOf } from '../support/decider-spec.js';
import { DUE_AT, place, reserve } from '../support/orders.js';
import { OVER_100, resolveReview, review, rule } from '../support/reviews.js';

const history = (...commands: readonly OrderCommand[]): OrderEvent[] => {
  const events: OrderEvent[] = [];
  for (const command of commands) {
    const decision = order.decide(command, stateOf(order, events));
    if (isRejection(decision)) throw new Error(`${command.type}: ${decision.code}`);
    events.push(...decision);
  }
  return events;
};

const KEEP_UNTIL = '2026-01-17T12:00:00Z';
const LINES = [
  { lineId: '1', quantity: 3, unitPrice: '50.00' },
  { lineId: '2', quantity: 1, unitPrice: '5.00' },
];
const { expiresAt: _, ...undated } = place(LINES, { confirm: 'auto' });
const auto = { ...undated, review: { rules: [OVER_100], keepUntil: KEEP_UNTIL } };
const explicit = place(LINES);
const confirm: OrderCommand = { type: 'confirm' };
const ship: OrderCommand = { type: 'ship', shipmentId: 's' };
const shipLine = (lineId: string): OrderCommand => ({
  type: 'ship',
  shipmentId: `s${lineId}`,
  lines: [{ lineId, quantity: 1 }],
});
const RULE_HOLD = 'rule:big';
const resolved = (holdId: string, outcome: 'released' | 'rejected' | 'lapsed', reason = 'looked at') =>
  ({ type: 'OrderHoldResolved', data: { holdId, outcome, reason } }) as const;
const confirmed = { type: 'OrderConfirmed', data: {} } as const;
const { type: __, holdId: ___, ...byHand } = review('x');
const held = (holdId: string, more: Partial<ReturnType<typeof review>> = {}) => ({
  type: 'OrderHeld' as const,
  data: { ...byHand, blocks: ['confirm' as const], holdId, ...more } as (OrderEvent & {
    type: 'OrderHeld';
  })['data'],
});

describe('by rule', () => {
  test('an order over the amount is held in the append that places it, with the rule, its version and why', () => {
    const events = history(auto);
    expect(events.map(({ type }) => type)).toEqual(['OrderPlaced', 'OrderHeld']);
    expect(events[1]?.data).toEqual({
      holdId: RULE_HOLD,
      holdType: 'fraud',
      blocks: ['confirm'],
      role: 'finance',
      reason: '155.00 GBP is over 100.00',
      rule: { id: 'big', version: 1 },
    });
  });

  test('an order that no rule matches is confirmed as ever', () => {
    const cheap = { ...auto, lines: auto.lines.slice(1) };
    const types = history(cheap, reserve(cheap)).map(({ type }) => type);
    expect(types).toEqual(['OrderPlaced', 'OrderReserved', 'OrderConfirmed']);
  });

  test('a held order that confirms itself gets a deadline; one that has a deadline gets the later one', () => {
    const deadline = (more: Partial<typeof explicit>) =>
      stateOf(order, history({ ...explicit, review: auto.review, ...more })).placed?.expiresAt;
    expect(stateOf(order, history(auto)).placed?.expiresAt).toBe(KEEP_UNTIL);
    expect(deadline({})).toBe(KEEP_UNTIL);
    expect(deadline({ expiresAt: '2026-02-01T00:00:00Z' })).toBe('2026-02-01T00:00:00Z');
    const onlyShipment = [{ ...OVER_100, blocks: ['ship' as const] }];
    expect(deadline({ review: { rules: onlyShipment, keepUntil: KEEP_UNTIL } })).toBe(DUE_AT);
  });

  test('waits reserved until the last review that blocks it is released, then confirms itself in the same append', () => {
    const two = { ...auto, review: { ...auto.review, rules: [OVER_100, { ...OVER_100, id: 'two' }] } };
    const waiting = history(two, reserve(two));
    expect(stateOf(order, waiting).status).toBe('reserved');
    given(order, ...waiting)
      .when(confirm)
      .thenRejected('order_held');
    given(order, ...waiting)
      .when(resolveReview(RULE_HOLD, 'released'))
      .thenEvents(resolved(RULE_HOLD, 'released'));
    given(order, ...history(two, reserve(two), resolveReview(RULE_HOLD, 'released')))
      .when(resolveReview('rule:two', 'released'))
      .thenEvents(resolved('rule:two', 'released'), confirmed);
  });

  test('released before its stock is held, it is confirmed with the reservation', () => {
    const released = history(auto, resolveReview(RULE_HOLD, 'released'), reserve(auto));
    expect(stateOf(order, released).status).toBe('confirmed');
    given(order, ...history(auto))
      .when(resolveReview(RULE_HOLD, 'rejected'))
      .thenRejected('wrong_status', { status: 'placed' });
  });
});

describe('by hand', () => {
  const reserved = history(explicit, reserve(explicit));

  test('blocks the confirmation, says who may release it, and a release alone confirms no order that waits for it', () => {
    const waiting = [...reserved, held('h')];
    given(order, ...reserved)
      .when(review('h'))
      .thenEvents(held('h'));
    given(order, ...waiting)
      .when(confirm)
      .thenRejected('order_held', { holds: [{ holdId: 'h', holdType: 'fraud', role: 'finance' }] });
    given(order, ...waiting)
      .when(resolveReview('h', 'released'))
      .thenEvents(resolved('h', 'released'));
    given(order, ...waiting, resolved('h', 'released'))
      .when(confirm)
      .thenEvents(confirmed);
  });

  test('the same again is nothing, however it is written; other content under its id is a conflict', () => {
    const both = review('h', { lines: ['2', '1'], blocks: ['ship', 'confirm'] });
    const after = [...reserved, ...history(explicit, reserve(explicit), both).slice(reserved.length)];
    given(order, ...after)
      .when(review('h', { lines: ['1', '2', '2'], blocks: ['confirm', 'ship'] }))
      .thenNothing();
    for (const other of [
      { reason: 'else' },
      { lines: ['1'] },
      { role: 'channel' },
      { holdType: 'price' },
    ] as const) {
      given(order, ...after)
        .when({ ...both, ...other })
        .thenRejected('id_reused', { id: 'h' });
    }
  });

  test('only its role or an admin may resolve it, once', () => {
    const waiting = [...reserved, held('h')];
    const by = (role: string) => given(order, ...waiting).when(resolveReview('h', 'released', { role }));
    by('channel').thenRejected('wrong_role', { role: 'finance' });
    by('admin').thenEvents(resolved('h', 'released'));
    given(order, ...waiting, resolved('h', 'released'))
      .when(resolveReview('h', 'rejected'))
      .thenRejected('review_resolved');
    given(order, ...waiting)
      .when(resolveReview('g', 'released'))
      .thenRejected('unknown_review');
  });

  test('is refused where it could block nothing any more', () => {
    const sold = history(explicit, reserve(explicit), confirm);
    given(order, ...sold)
      .when(review('h'))
      .thenRejected('wrong_status');
    given(order, ...history(explicit, reserve(explicit), confirm, ship))
      .when(review('h', { blocks: ['ship'] }))
      .thenRejected('wrong_status', { status: 'completed' });
    given(
      order,
      ...history(explicit, reserve(explicit), confirm, {
        type: 'cancel',
        cancellationId: 'c',
        reason: '',
        lines: [{ lineId: '2', quantity: 1 }],
      }),
    )
      .when(review('h', { blocks: ['ship'], lines: ['2'] }))
      .thenRejected('nothing_open');
    given(order, ...sold)
      .when(review('h', { blocks: ['ship'], lines: ['9'] }))
      .thenRejected('unknown_line');
    given(order).when(review('h')).thenRejected('unknown_order');
  });

  test('an order has a limited number of them', () => {
    const many = Array.from({ length: REVIEWS_MAX }, (_each, n) => held(`h${n}`));
    given(order, ...reserved, ...many)
      .when(review('more'))
      .thenRejected('too_many_reviews');
  });
});

describe('what a review blocks', () => {
  const sold = history(explicit, reserve(explicit), confirm);

  test('one on a line keeps that line back and lets the others go', () => {
    const waiting = [...sold, ...[held('h', { blocks: ['ship'], lines: ['1'] })]];
    given(order, ...waiting)
      .when(shipLine('1'))
      .thenRejected('order_held');
    const sent = order.decide(ship, stateOf(order, waiting));
    if (isRejection(sent)) throw new Error(sent.code);
    expect(sent.map(({ type }) => type)).toEqual(['OrderShipped']);
    expect(stateOf(order, [...waiting, ...sent]).lines.get('1')?.shipped).toBe(0);
    given(order, ...waiting, ...sent)
      .when({ ...ship, shipmentId: 'rest' })
      .thenRejected('order_held');
  });

  test('one on the order keeps everything back, but never its cancellation', () => {
    const waiting = [...sold, held('h', { blocks: ['ship'] })];
    given(order, ...waiting)
      .when(ship)
      .thenRejected('order_held');
    given(order, ...waiting)
      .when(shipLine('2'))
      .thenRejected('order_held');
    const state = stateOf(order, waiting);
    const gone = order.decide({ type: 'cancel', cancellationId: 'c', reason: 'changed' }, state);
    if (isRejection(gone)) throw new Error(gone.code);
    expect(gone.map(({ type }) => type)).toEqual(['OrderHoldResolved', 'OrderLinesCancelled']);
    expect(gone[0]).toEqual(resolved('h', 'lapsed', 'cancelled'));
  });

  test('a shipment that was made before is still the same shipment', () => {
    const part = history(explicit, reserve(explicit), confirm, shipLine('1'));
    given(order, ...part, held('h', { blocks: ['ship'] }))
      .when(shipLine('1'))
      .thenNothing();
  });
});

describe('how it ends', () => {
  test('rejected, the order is cancelled with the reason, and the other reviews lapse', () => {
    const waiting = history(auto, reserve(auto), review('h'));
    const state = given(order, ...waiting)
      .when(resolveReview(RULE_HOLD, 'rejected', { reason: 'stolen card' }))
      .thenEvents(resolved('h', 'lapsed', 'cancelled'), resolved(RULE_HOLD, 'rejected', 'stolen card'), {
        type: 'OrderLinesCancelled',
        data: {
          cancellationId: 'review:rule:big',
          reason: 'stolen card',
          lines: [
            { lineId: '1', quantity: 3 },
            { lineId: '2', quantity: 1 },
          ],
        },
      });
    expect(state.status).toBe('cancelled');
  });

  test('rejected on a line, the line goes and the rest of the order goes on', () => {
    const floors = [{ sku: 'sku-2', floor: '6' }];
    const cheap = rule('floor', { kind: 'price-floor', currency: 'GBP', floors });
    const command = { ...auto, review: { rules: [cheap], keepUntil: KEEP_UNTIL } };
    given(order, ...history(command, reserve(command)))
      .when(resolveReview('rule:floor', 'rejected'))
      .thenEvents(
        resolved('rule:floor', 'rejected'),
        {
          type: 'OrderLinesCancelled',
          data: {
            cancellationId: 'review:rule:floor',
            reason: 'looked at',
            lines: [{ lineId: '2', quantity: 1 }],
          },
        },
        confirmed,
      );
  });

  test('a line that somebody cancels takes its review along', () => {
    const onLine = { ...undated };
    const waiting = [...history(onLine), held('h', { lines: ['2'] })];
    const reserved = [...waiting, ...history(onLine, reserve(onLine)).slice(1, 2)];
    given(order, ...reserved)
      .when({ type: 'cancel', cancellationId: 'c', reason: 'x', lines: [{ lineId: '2', quantity: 1 }] })
      .thenEvents(
        resolved('h', 'lapsed', 'lines cancelled'),
        {
          type: 'OrderLinesCancelled',
          data: { cancellationId: 'c', reason: 'x', lines: [{ lineId: '2', quantity: 1 }] },
        },
        confirmed,
      );
  });

  test('with the order: at its deadline, or when its stock is refused', () => {
    given(order, ...history(auto, reserve(auto)))
      .when({ type: 'expire', dueAt: KEEP_UNTIL })
      .thenEvents(resolved(RULE_HOLD, 'lapsed', 'expired'), {
        type: 'OrderExpired',
        data: { dueAt: KEEP_UNTIL },
      });
    given(order, ...history(auto))
      .when({ type: 'refuse', code: 'insufficient_stock', detail: 'none' })
      .thenEvents(resolved(RULE_HOLD, 'lapsed', 'rejected'), {
        type: 'OrderRejected',
        data: { code: 'insufficient_stock', detail: 'none' },
      });
  });
});
