import type { Queryable } from '../runtime/database.js';
import { takeFillableOrders } from './backorder-queue.js';
import { takeOpenConsignments } from './consignment-pages.js';
import { takeDueDeadlines } from './deadlines.js';
import { openExchanges } from './exchanges.js';
import { takeOrdersWithoutOutcome, takeUnsettledNotes, takeUnsettledOrders } from './holds.js';
import { takeUnansweredPayments } from './payment-todo.js';

/** What is left to do, for the watchdog (it is the `Todo` of `processes/watchdog.ts`). Everything it gives is taken. */
export const createTodo = (db: Queryable) => ({
  dueDeadlines: (now: Date, limit: number) => takeDueDeadlines(db, now, limit),
  ordersWithoutOutcome: (olderThanMs: number, limit: number) =>
    takeOrdersWithoutOutcome(db, { olderThanMs, limit }),
  unsettledOrders: (olderThanMs: number, limit: number) => takeUnsettledOrders(db, { olderThanMs, limit }),
  fillableOrders: (limit: number) => takeFillableOrders(db, limit),
  openConsignments: (olderThanMs: number, limit: number) => takeOpenConsignments(db, { olderThanMs, limit }),
  unsettledNotes: (olderThanMs: number, limit: number) => takeUnsettledNotes(db, { olderThanMs, limit }),
  openExchanges: (olderThanMs: number, limit: number) => openExchanges(db, olderThanMs, limit),
  unansweredPayments: (olderThanMs: number, limit: number) =>
    takeUnansweredPayments(db, { olderThanMs, limit }),
});
