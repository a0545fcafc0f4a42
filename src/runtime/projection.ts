import type { Queryable } from './database.js';
import type { RecordedEvent } from './event-store.js';
import type { ReportingView } from './reporting-views.js';

/**
 * A read model: tables, and how a batch of events changes them. All live projections get the same batch in the same
 * transaction with one checkpoint (design 5), so `apply` must only write through `tx`, set-based: it collapses the batch per
 * row first, then runs a handful of multi-row statements whatever the size of the batch.
 */
export interface Projection {
  readonly name: string;
  /** Raise it when rows would come out differently: the tables are then built again from the log. */
  readonly version: number;
  /** Categories of the streams it reads. */
  readonly categories: readonly string[];
  /** Tables it owns, in dependency order; dropped by a rebuild. Created by `create`. */
  readonly tables: readonly string[];
  /** DDL of its tables (CREATE TABLE ... in schema `read_model`, set by search_path). */
  readonly create: string;
  /** Views over its tables, and over those of the projections before it, for people with BI tools. */
  readonly reporting?: readonly ReportingView[];
  /** Applies a batch in log order. Throws when an event cannot be applied (poison). */
  apply(events: readonly RecordedEvent[], tx: Queryable): Promise<void>;
}
