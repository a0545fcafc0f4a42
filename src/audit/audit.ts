import { readCheckpoint } from '../runtime/checkpoint.js';
import type { EventCodec } from '../runtime/codec.js';
import type { Database, Queryable } from '../runtime/database.js';
import {
  comparePositions,
  type EventStore,
  type LogPosition,
  type RecordedEvent,
} from '../runtime/event-store.js';
import { LogMismatch } from '../runtime/log-identity.js';
import { holdSet, type ModelSet, readFrom } from '../runtime/model-sets.js';
import { listParked, type ParkedStream } from '../runtime/parked.js';
import type { Comparison } from './compare.js';
import { FOLDED_CATEGORIES, LogFold } from './fold.js';
import { Lockstep } from './lockstep.js';
import { openPromises } from './open-promises.js';
import { logOrderedTables, tableChecks } from './tables.js';
import {
  type CurrencyTotals,
  type LocationTotals,
  stockByLocation,
  type TrialBalance,
  totalsOf,
  trialBalances,
} from './totals.js';
import type { Violation } from './violations.js';

/** Events behind the checkpoint are counted up to so many. */
export const BEHIND_COUNT_MAX = 10_000;

export interface AuditReport {
  /** Nothing differs, nothing is violated, nothing is parked. */
  readonly ok: boolean;
  /** Up to where the log was folded: the checkpoint of the read models. */
  readonly checkpoint: LogPosition;
  /** Events of the log that the read models have not seen yet; at most {@link BEHIND_COUNT_MAX} are counted. */
  readonly behind: number;
  readonly events: number;
  /** By name of the type. */
  readonly eventsPerType: readonly (readonly [type: string, events: number])[];
  /** By currency; amounts are minor units. */
  readonly totals: ReadonlyMap<string, CurrencyTotals>;
  readonly trialBalances: ReadonlyMap<string, TrialBalance>;
  readonly locations: ReadonlyMap<string, LocationTotals>;
  readonly ledger: {
    readonly entries: number;
    /** Shipments and returns without an entry yet: the poster is behind. */
    readonly unposted: number;
  };
  readonly tables: readonly Comparison[];
  readonly violations: { readonly count: number; readonly first: readonly Violation[] };
  readonly parked: readonly ParkedStream[];
  /** Seconds for the log (with the tables compared beside it), and in all. */
  readonly foldSeconds: number;
  readonly seconds: number;
}

/** The read models have never been built, so there is nothing to compare. */
export class NoReadModels extends Error {
  readonly code = 'no_read_models';
  constructor() {
    super('there are no read models yet; run: holdfast rebuild');
    this.name = 'NoReadModels';
  }
}

export interface AuditOptions {
  readonly store: Pick<EventStore, 'readAll'>;
  readonly codec: Pick<EventCodec, 'decode'>;
  readonly db: Database;
  /** Which read models; those that people read, when absent. */
  readonly set?: ModelSet;
  /** After every batch: events folded so far, and where they end. */
  readonly onProgress?: (events: number, position: LogPosition, checkpoint: LogPosition) => void;
}

/** The default limits are for requests; this transaction is as long as the log. */
const PREPARE = [
  'SET LOCAL statement_timeout = 0',
  'SET LOCAL idle_in_transaction_session_timeout = 0',
  // Rows are wanted to the last one, and a year of stock movements is sorted.
  'SET LOCAL cursor_tuple_fraction = 1',
  "SET LOCAL work_mem = '64MB'",
];

/**
 * Folds the log up to exactly the checkpoint of the read models and compares every row of every table with it, all tables and the
 * checkpoint as of one instant (REPEATABLE READ). May run while everything else does. Throws {@link NoReadModels},
 * {@link LogMismatch}, and what the log and the database throw.
 */
export const runAudit = (options: AuditOptions): Promise<AuditReport> =>
  options.db.transaction((tx) => auditIn(tx, options), { isolation: 'repeatable read', readOnly: true });

const auditIn = async (tx: Queryable, options: AuditOptions): Promise<AuditReport> => {
  const { db, set = 'live' } = options;
  const began = performance.now();
  for (const statement of PREPARE) await tx.query(statement);
  // Before the snapshot, which is taken by the first query: tables are found by name until the end.
  await holdSet(tx, set);
  await readFrom(tx, set);
  const checkpoint = await readCheckpoint(tx, set);
  if (checkpoint === undefined) throw new NoReadModels();
  const parked = await listParked(tx);
  const fold = new LogFold();
  const beside = logOrderedTables.map((table) => new Lockstep(table, db, tx));
  const behind = await foldLog(fold, beside, checkpoint.position, options);
  if (comparePositions(fold.position, checkpoint.event) !== 0) {
    throw new LogMismatch(
      `the last event that the read models have is at ${checkpoint.event.commit}, the log has none there`,
    );
  }
  const tables: Comparison[] = [];
  for (const lockstep of beside) tables.push(await lockstep.finish());
  const foldSeconds = (performance.now() - began) / 1_000;
  const open = openPromises(fold);
  for (const check of tableChecks(fold, open)) tables.push(await check.compare(db, tx));

  const unposted = fold.ledger.unposted();
  const balances = trialBalances(fold);
  for (const [currency, { debit, credit }] of balances) {
    if (debit !== credit)
      fold.violations.add('trial_balance', currency, `${debit} and ${credit} minor units`);
  }
  const { count, first } = fold.violations;
  return {
    ok: count === 0 && parked.length === 0 && tables.every(({ differences }) => differences === 0),
    checkpoint: checkpoint.position,
    behind,
    events: fold.events,
    eventsPerType: [...fold.eventsPerType].sort(([a], [b]) => (a < b ? -1 : 1)),
    totals: totalsOf(fold),
    trialBalances: balances,
    locations: stockByLocation(fold),
    ledger: { entries: fold.ledger.entries, unposted },
    tables: tables.sort((a, b) => (a.table < b.table ? -1 : 1)),
    violations: { count, first },
    parked,
    foldSeconds,
    seconds: (performance.now() - began) / 1_000,
  };
};

/** Folds up to and including `end`; answers how many events there are behind it. */
const foldLog = async (
  fold: LogFold,
  beside: readonly Lockstep[],
  end: LogPosition,
  { store, codec, onProgress }: AuditOptions,
): Promise<number> => {
  let behind = 0;
  for await (const { events } of store.readAll({ categories: FOLDED_CATEGORIES })) {
    const decoded: RecordedEvent[] = [];
    for (const stored of events) {
      if (comparePositions(stored.position, end) > 0) {
        behind += 1;
        continue;
      }
      const recorded = fold.read(stored, codec);
      if (recorded !== undefined) decoded.push(recorded);
    }
    for (const lockstep of beside) await lockstep.compare(decoded);
    onProgress?.(fold.events, fold.position, end);
    if (behind >= BEHIND_COUNT_MAX) break;
  }
  return Math.min(behind, BEHIND_COUNT_MAX);
};
