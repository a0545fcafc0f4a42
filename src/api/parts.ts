import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ConsignmentProcess } from '../processes/consignment-process.js';
import type { OrderProcess } from '../processes/order-process.js';
import type { PaymentProcess } from '../processes/payment-process.js';
import type { ReturnProcess } from '../processes/return-process.js';
import type { Clock } from '../runtime/clock.js';
import type { CommandBus } from '../runtime/command-bus.js';
import type { Database } from '../runtime/database.js';
import type { PositionWaiter } from '../runtime/position-waiter.js';
import type { Vault } from '../runtime/vault.js';
import type { RateLimiter } from './rate-limit.js';

export interface Readiness {
  readonly ready: boolean;
  /** What was looked at, and how it is: `{ "database": "ok" }`. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface ApiLimits {
  /** How long a new order may take until its outcome; then 202. */
  readonly orderWaitMs: number;
  /** Requests of one key in a second. Ignored where a limiter is handed in. */
  readonly requestsPerSecond: number;
}

export const API_LIMITS: ApiLimits = { orderWaitMs: 5_000, requestsPerSecond: 5_000 };

/** What the API is made of. The composition (`main.ts`) brings all of it. */
export interface ApiParts {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly returns: ReturnProcess;
  readonly vault: Vault;
  readonly payments: PaymentProcess;
  /** Names of the providers that payments can be asked of. */
  readonly providers: readonly string[];
  readonly consignments: ConsignmentProcess;
  readonly db: Database;
  readonly waiter: Pick<PositionWaiter, 'waitForPosition'>;
  readonly log: Logger;
  /** Metrics of the whole process; the API adds its own. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly ready: () => Promise<Readiness> | Readiness;
  readonly limits?: Partial<ApiLimits>;
  /** Shared between processes where there is a Redis; in process when absent. */
  readonly rateLimiter?: RateLimiter;
  readonly version?: string;
}
