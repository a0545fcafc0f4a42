import type { Ledger } from '../../../processes/ledger.js';
import type { OrderProcess } from '../../../processes/order-process.js';
import type { ReturnProcess } from '../../../processes/return-process.js';
import type { CommandBus } from '../../../runtime/command-bus.js';
import type { Plan, PlanItem } from './plan-types.js';

/** Something of the plan that the core refused: it is not in the log, and is never left out in silence. */
export interface RefusedItem {
  /** Its first row; 0 for what belongs to no row (channel, location, opening stock). */
  readonly row: number;
  readonly type: PlanItem['type'] | 'setup' | 'opening';
  readonly id: string;
  /** The rejection's code, or that of an error that no retry could cure. */
  readonly code: string;
  readonly message: string;
}

export interface ImportProgress {
  readonly done: number;
  /** Opening receipts and items of the plan. */
  readonly total: number;
  readonly orders: number;
  readonly refused: number;
  /** Orders that an earlier run had finished. */
  readonly skipped: number;
}

export interface ImportReport extends ImportProgress {
  readonly refusals: readonly RefusedItem[];
  /** True when an earlier run had begun: then streams were read before they were written. */
  readonly resumed: boolean;
  /** How often something was sent again because the store or a queue did not take it. */
  readonly retries: number;
}

export interface ImportOptions {
  readonly plan: Plan;
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly returns: ReturnProcess;
  readonly ledger: Ledger;
  /** Items on their way at once, at least {@link IN_FLIGHT_MIN}. */
  readonly inFlight?: number;
  /** After every item; cheap, or it costs a year. */
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Stops the import between two items; what is on its way is finished first. */
  readonly signal?: AbortSignal;
}
