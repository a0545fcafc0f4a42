import { randomUUID } from 'node:crypto';
import type { Clock } from '../runtime/clock.js';
import type { CommandContext } from '../runtime/command-bus.js';
import type { ConsignmentProcess } from './consignment-process.js';
import type { ExchangeProcess } from './exchange-process.js';
import type { OrderProcess } from './order-process.js';
import type { PaymentProcess } from './payment-process.js';
import type { ReturnProcess } from './return-process.js';

/** What is left to do, as the read models see it. They lag, so every answer is a hint: the streams decide. */
export interface Todo {
  /** Orders whose deadline has passed. */
  dueDeadlines(
    now: Date,
    limit: number,
  ): Promise<readonly { readonly orderId: string; readonly dueAt: Date }[]>;
  /** Orders that were placed some time ago and have no outcome. */
  ordersWithoutOutcome(olderThanMs: number, limit: number): Promise<readonly string[]>;
  /** Orders whose holds are not where the order wants them. */
  unsettledOrders(olderThanMs: number, limit: number): Promise<readonly string[]>;
  /** Orders that lack something of which there is some now, those that are served first in front. */
  fillableOrders(limit: number): Promise<readonly string[]>;
  /** Credit notes whose goods are not back in stock. */
  unsettledNotes(olderThanMs: number, limit: number): Promise<readonly string[]>;
  /** Orders with an exchange whose new order has come to an end, or is not there. */
  openExchanges(olderThanMs: number, limit: number): Promise<readonly string[]>;
  /** Orders whose provider has not answered, or of which something is due that is asked for by itself. */
  unansweredPayments(olderThanMs: number, limit: number): Promise<readonly string[]>;
  /** Consignments that have orders without an outcome. */
  openConsignments(olderThanMs: number, limit: number): Promise<readonly string[]>;
}

/** An order left alone this long was left by somebody who died. */
export const ABANDONED_AFTER_MS = 10_000;
export const WATCHDOG_BATCH = 200;
export const WATCHDOG_PAUSE_MS = 500;

export interface WatchdogOptions {
  readonly todo: Todo;
  readonly orders: OrderProcess;
  readonly returns: ReturnProcess;
  readonly exchanges: ExchangeProcess;
  readonly payments: Pick<PaymentProcess, 'advance'>;
  readonly consignments: Pick<ConsignmentProcess, 'advance'>;
  readonly clock: Clock;
  readonly abandonedAfterMs?: number;
  /** How far the read models are behind: what somebody has done meanwhile is in the log and not yet in the lists. */
  readonly lagMs?: () => Promise<number>;
  readonly onError?: (error: unknown, what: string) => void;
}

export interface Watchdog {
  /** One round over everything that is due or left over; how many it moved. Errors of one do not stop the others. */
  tick(): Promise<number>;
  /** Rounds until the signal aborts; a full batch is followed by the next at once. */
  run(signal: AbortSignal): Promise<void>;
}

/** Runs the clock and the orphans: expires what is due, advances what somebody left half-way. Holds no state. */
export const createWatchdog = (options: WatchdogOptions): Watchdog => {
  const {
    todo,
    orders,
    returns,
    exchanges,
    payments,
    consignments,
    clock,
    abandonedAfterMs = ABANDONED_AFTER_MS,
    lagMs = async () => 0,
  } = options;

  const context = (effectiveAt: string): CommandContext => {
    const id = randomUUID();
    return { commandId: id, correlationId: id, actor: 'watchdog', effectiveAt };
  };

  const each = async <Item>(items: readonly Item[], what: string, act: (item: Item) => Promise<unknown>) => {
    const results = await Promise.allSettled(items.map(act));
    for (const result of results) if (result.status === 'rejected') options.onError?.(result.reason, what);
    return results.filter(({ status }) => status === 'fulfilled').length;
  };

  const tick = async (): Promise<number> => {
    const now = clock();
    const at = now.toISOString();
    // Beside an import the read models may be minutes behind, and every order under way would look abandoned.
    const olderThanMs = abandonedAfterMs + (await lagMs());
    const [due, placed, unsettled, fillable, notes, exchanged, unanswered, open] = await Promise.all([
      todo.dueDeadlines(now, WATCHDOG_BATCH),
      todo.ordersWithoutOutcome(olderThanMs, WATCHDOG_BATCH),
      todo.unsettledOrders(olderThanMs, WATCHDOG_BATCH),
      todo.fillableOrders(WATCHDOG_BATCH),
      todo.unsettledNotes(olderThanMs, WATCHDOG_BATCH),
      todo.openExchanges(olderThanMs, WATCHDOG_BATCH),
      todo.unansweredPayments(olderThanMs, WATCHDOG_BATCH),
      todo.openConsignments(olderThanMs, WATCHDOG_BATCH),
    ]);
    // An expiry took effect when it was due, whenever we come to record it.
    const expired = await each(due, 'expire', async ({ orderId, dueAt }) => {
      const answer = await orders.execute(
        orderId,
        { type: 'expire', dueAt: dueAt.toISOString() },
        context(dueAt.toISOString()),
      );
      if (answer.state.status === 'placed') await orders.advance(orderId, context(at));
    });
    const advanced = await each([...new Set([...placed, ...unsettled])], 'advance', (orderId) =>
      orders.advance(orderId, context(at)),
    );
    // One after the other: who is served first is also asked first.
    let filled = 0;
    for (const orderId of fillable)
      filled += await each([orderId], 'allocate', (id) => orders.advance(id, context(at)));
    const followed = await each(exchanged, 'exchange', (orderId) => exchanges.advance(orderId, context(at)));
    const restocked = await each(notes, 'restock', (noteId) => returns.advance(noteId, context(at)));
    const asked = await each(unanswered, 'pay', (orderId) => payments.advance(orderId, context(at)));
    const consigned = await each(open, 'consign', (id) => consignments.advance(id, context(at)));
    return expired + advanced + filled + followed + restocked + asked + consigned;
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const moved = await tick().catch((error: unknown) => {
        options.onError?.(error, 'tick');
        return 0;
      });
      if (moved < WATCHDOG_BATCH) await pause(WATCHDOG_PAUSE_MS, signal);
    }
  };

  return { tick, run };
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
