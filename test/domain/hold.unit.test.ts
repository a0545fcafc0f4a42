import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRejection, reject } from '../../src/domain/decider.js';
import {
  decideHold,
  decideSettle,
  evolveHolds,
  type HoldStep,
  type Holds,
  type HoldTarget,
  noHolds,
  remaining,
} from '../../src/domain/hold.js';

const shortage = () => reject('shortage', 'not that many');
const held = (holdId: string, quantity: number): HoldStep => ({ step: 'held', holdId, quantity });
const captured = (holdId: string, quantity: number): HoldStep => ({ step: 'captured', holdId, quantity });
const released = (holdId: string, quantity: number): HoldStep => ({ step: 'released', holdId, quantity });
const having = (...steps: readonly HoldStep[]): Holds => steps.reduce(evolveHolds, noHolds);
const settle = (holds: Holds, captured: number, released: HoldTarget['released']) =>
  decideSettle(holds, 'a', { captured, released });

describe('a hold', () => {
  test('is made when there is enough, refused by the caller’s own code when there is not', () => {
    expect(decideHold(noHolds, 'a', 3, 3, shortage)).toEqual([held('a', 3)]);
    expect(decideHold(noHolds, 'a', 3, 2, shortage)).toEqual(shortage());
  });

  test('is the same hold when it is asked for again, though nothing is available any more', () => {
    expect(decideHold(having(held('a', 3)), 'a', 3, 0, shortage)).toEqual([]);
  });

  test('with another quantity under its id is a conflict', () => {
    expect(decideHold(having(held('a', 3)), 'a', 2, 9, shortage)).toMatchObject({ code: 'hold_conflict' });
  });

  test.each([
    ['captured', captured('a', 3)],
    ['released', released('a', 3)],
  ])('that was %s can never be made again', (_, end) => {
    const decision = decideHold(having(held('a', 3), end), 'a', 3, 9, shortage);
    expect(decision).toMatchObject({ code: 'hold_ended' });
  });

  test('is captured in parts, and what remains is let go', () => {
    const part = having(held('a', 5), captured('a', 2));
    expect(settle(part, 4, 0)).toEqual([captured('a', 2)]);
    expect(settle(part, 2, 'rest')).toEqual([released('a', 3)]);
    expect(settle(part, 4, 'rest')).toEqual([captured('a', 2), released('a', 1)]);
    expect(settle(part, 3, 2)).toEqual([captured('a', 1), released('a', 2)]);
    expect(part.held).toBe(3);
  });

  test('is not moved by a target that it has reached or passed', () => {
    const part = having(held('a', 5), captured('a', 2), released('a', 1));
    for (const [c, r] of [
      [2, 1],
      [1, 1],
      [2, 0],
      [0, 0],
    ] as const) {
      expect(settle(part, c, r)).toEqual([]);
    }
  });

  test('gives no more than it holds', () => {
    expect(settle(having(held('a', 5)), 6, 0)).toMatchObject({ code: 'exceeds_hold' });
    expect(settle(having(held('a', 5)), 6, 'rest')).toMatchObject({ code: 'exceeds_hold' });
    expect(settle(having(held('a', 5)), 3, 3)).toMatchObject({ code: 'exceeds_hold' });
    expect(settle(having(held('a', 5), released('a', 3)), 3, 0)).toMatchObject({ code: 'exceeds_hold' });
  });

  test('that nobody made has nothing to release, and nothing to capture either', () => {
    expect(settle(noHolds, 0, 'rest')).toEqual([]);
    expect(settle(noHolds, 1, 0)).toMatchObject({ code: 'hold_ended' });
  });

  test('that has ended answers what is already so with nothing, and more with a rejection', () => {
    const ended = having(held('a', 5), captured('a', 2), released('a', 3));
    expect(settle(ended, 2, 'rest')).toEqual([]);
    expect(settle(ended, 1, 0)).toEqual([]);
    expect(settle(ended, 3, 0)).toMatchObject({ code: 'hold_ended' });
  });
});

type Ask =
  | { readonly ask: 'hold'; readonly id: string; readonly quantity: number }
  | { readonly ask: 'settle'; readonly id: string; readonly target: HoldTarget };

const CAPACITY = 20;
const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const units = fc.integer({ min: 0, max: 8 });
const asks = fc.array(
  fc.oneof(
    fc.record({ ask: fc.constant('hold' as const), id, quantity: fc.integer({ min: 1, max: 12 }) }),
    fc.record({
      ask: fc.constant('settle' as const),
      id,
      target: fc.record({ captured: units, released: fc.oneof(units, fc.constant('rest' as const)) }),
    }),
  ),
  { maxLength: 60 },
);

/** What is scarce here is used up by capturing: like stock, and like a coupon. */
const decide = (holds: Holds, consumed: number, ask: Ask) =>
  ask.ask === 'hold'
    ? decideHold(holds, ask.id, ask.quantity, CAPACITY - consumed - holds.held, shortage)
    : decideSettle(holds, ask.id, ask.target);

describe('holds, whatever is asked of them in whatever order', () => {
  test('add up, never exceed what there is, end once, and decide nothing twice', () => {
    fc.assert(
      fc.property(asks, (sequence) => {
        let holds = noHolds;
        let consumed = 0;
        const ended = new Set<string>();
        for (const ask of sequence) {
          const decision = decide(holds, consumed, ask);
          if (isRejection(decision)) continue;
          expect(ask.ask === 'hold' && ended.has(ask.id)).toBe(false);
          const before = holds;
          for (const step of decision) {
            expect(step.quantity).toBeGreaterThan(0);
            holds = evolveHolds(holds, step);
            if (step.step === 'captured') consumed += step.quantity;
          }
          expect(decide(holds, consumed, ask)).toEqual([]);
          const open = [...holds.open.values()];
          expect(holds.held).toBe(open.reduce((sum, hold) => sum + remaining(hold), 0));
          for (const hold of open) expect(remaining(hold)).toBeGreaterThan(0);
          expect(holds.held + consumed).toBeLessThanOrEqual(CAPACITY);
          for (const key of before.ended.keys()) {
            expect(holds.ended.get(key)).toBe(before.ended.get(key));
            expect(holds.open.has(key)).toBe(false);
            ended.add(key);
            expect(decideHold(holds, key, 1, CAPACITY, shortage)).toMatchObject({ code: 'hold_ended' });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('settled by targets in any order and with any repeats come to the furthest one', () => {
    const path = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(path, fc.infiniteStream(fc.nat()), (steps, random) => {
        // A monotone path, as an order that ships and cancels makes it.
        const targets: HoldTarget[] = [];
        let [c, r] = [0, 0];
        for (const [dc, dr] of steps) {
          [c, r] = [c + dc, r + dr];
          targets.push({ captured: c, released: r });
        }
        const total = Math.max(1, c + r);
        const run = (order: readonly HoldTarget[]): Holds => {
          let holds = having(held('a', total));
          for (const target of order) {
            const decision = decideSettle(holds, 'a', target);
            if (isRejection(decision)) throw new Error(decision.code);
            holds = decision.reduce(evolveHolds, holds);
          }
          return holds;
        };
        const shuffled = targets
          .flatMap((target) => [target, target])
          .map((target) => ({ target, at: random.next().value }))
          .sort((one, other) => one.at - other.at)
          .map(({ target }) => target);
        const [straight, late] = [run(targets), run(shuffled)];
        expect(late.held).toBe(straight.held);
        expect(late.open.toObject()).toEqual(straight.open.toObject());
        expect(late.ended.toObject()).toEqual(straight.ended.toObject());
      }),
    );
  });
});
