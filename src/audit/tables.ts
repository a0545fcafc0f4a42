import type { TableCheck } from './compare.js';
import { LogFold } from './fold.js';
import type { LogOrderedTable } from './lockstep.js';
import { type OpenPromises, openPromises } from './open-promises.js';
import { orderAllocations } from './tables-allocations.js';
import { deliveryTables } from './tables-deliveries.js';
import { holderTables, stockMovements } from './tables-holders.js';
import { ledgerDays, ledgerRows } from './tables-ledger.js';
import { orderTables } from './tables-orders.js';
import { paymentTables } from './tables-payments.js';
import { returnTables } from './tables-returns.js';
import { orderSearch } from './tables-search.js';
import { settingsTables } from './tables-settings.js';

/** Tables that are compared while the log is read. */
export const logOrderedTables: readonly LogOrderedTable[] = [stockMovements, ...ledgerRows];

/** Tables that are compared once it is. */
export const tableChecks = (fold: LogFold, open: ReadonlyMap<string, OpenPromises>): TableCheck[] => [
  ...settingsTables(fold),
  ...orderTables(fold),
  orderAllocations(fold),
  ...returnTables(fold),
  ...paymentTables(fold),
  orderSearch(fold),
  ...deliveryTables(fold),
  ...holderTables(fold, open),
  ledgerDays(fold),
];

/** Names of all tables that have a check; a test holds them against those of the projections. */
export const checkedTables = (): string[] => {
  const fold = new LogFold();
  return [...logOrderedTables, ...tableChecks(fold, openPromises(fold))].map(({ table }) => table);
};
