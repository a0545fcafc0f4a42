import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PosterMetrics } from './processes/poster.js';
import type { CommandMetrics } from './runtime/command-runner.js';
import type { AppliedBatch } from './runtime/projection-pump.js';
import type { RunnerStatus } from './runtime/projection-runner.js';
import type { SnapshotOutcome } from './runtime/snapshot-table.js';

/** What an operator sees of the machinery at `/metrics`; the API adds its own. */
export interface HouseMetrics {
  readonly commands: CommandMetrics;
  snapshot(outcome: SnapshotOutcome): void;
  readonly poster: PosterMetrics;
  readonly projections: {
    batch(batch: AppliedBatch): void;
    parked(): void;
    /** Reads lag from the runner whenever metrics are asked for. */
    observe(status: () => RunnerStatus): void;
    /** Reads where each set of read models is, from PostgreSQL, whenever metrics are asked for. */
    observeSets(positions: () => Promise<ReadonlyMap<string, bigint>>): void;
  };
}

const MILLISECONDS = 1_000;
const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * A counter by category that costs a map on the hot path: the library finds the labels again for each `inc`, which all together was
 * 3 % of what an order costs (2026-11-22). It is told when somebody asks.
 */
const tally = (
  registry: Registry,
  name: string,
  help: string,
): ((category: string, more: number) => void) => {
  const counts = new Map<string, number>();
  new Counter({
    name: `holdfast_${name}`,
    help,
    labelNames: ['category'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const [category, count] of counts) this.inc({ category }, count);
    },
  });
  return (category, more) => counts.set(category, (counts.get(category) ?? 0) + more);
};

export const createHouseMetrics = (registry: Registry): HouseMetrics => {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name: `holdfast_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[] = [],
  ) => new Histogram({ name: `holdfast_${name}`, help, buckets, labelNames, registers });

  const commandSeconds = histogram('command_seconds', 'Time from a command to its answer.', SECONDS_BUCKETS, [
    'category',
    'outcome',
  ]);
  const perAppend = histogram(
    'commands_per_append',
    'Commands decided and appended together.',
    [1, 2, 4, 8, 16, 32, 64, 128, 256],
  );
  const appends = tally(registry, 'appends_total', 'Appends to the log.');
  const appended = tally(registry, 'events_appended_total', 'Events appended to the log.');
  const conflicts = counter('append_conflicts_total', 'Appends that found the stream changed.', ['category']);
  let open = 0;
  new Gauge({
    name: 'holdfast_commands_open',
    help: 'Commands accepted and not answered.',
    registers,
    collect() {
      this.set(open);
    },
  });
  const loads = counter('stream_loads_total', 'Streams read that were not in memory.', [
    'category',
    'source',
  ]);
  const folded = histogram(
    'load_events',
    'Events folded to load a stream.',
    [1, 10, 100, 1_000, 10_000, 100_000],
    ['source'],
  );
  const snapshots = counter('snapshots_total', 'Snapshots written, dropped and ignored.', ['outcome']);
  const causes = counter('poster_causes_total', 'Events the poster has gone through.');
  const entries = counter('poster_entries_total', 'Entries posted to the ledger.');
  const stopped = new Gauge({
    name: 'holdfast_poster_stopped',
    help: '1 while the poster is stopped.',
    registers,
  });
  const events = counter('projected_events_total', 'Events applied to the read models.');
  const batches = histogram(
    'projection_batch_seconds',
    'Time of one transaction of the read models.',
    SECONDS_BUCKETS,
  );
  const visible = histogram('projection_lag_seconds', 'From recorded to readable.', SECONDS_BUCKETS);
  const parked = counter('parked_streams_total', 'Streams parked because an event could not be applied.');

  return {
    commands: {
      command: (category, outcome, durationMs) =>
        commandSeconds.labels(category, outcome).observe(durationMs / MILLISECONDS),
      append: (category, commands, count) => {
        perAppend.observe(commands);
        appends(category, 1);
        appended(category, count);
      },
      conflict: (category) => conflicts.labels(category).inc(),
      load: (category, source, count) => {
        loads.labels(category, source).inc();
        folded.labels(source).observe(count);
      },
      open: (count) => {
        open = count;
      },
    },
    snapshot: (outcome) => snapshots.labels(outcome).inc(),
    poster: {
      posted: (count, posted) => {
        causes.inc(count);
        entries.inc(posted);
      },
      stopped: () => stopped.set(1),
    },
    projections: {
      batch: (batch) => {
        events.inc(batch.events);
        batches.observe(batch.seconds);
        if (batch.events > 0) visible.observe(batch.lagSeconds);
      },
      parked: () => parked.inc(),
      observe: (status) => {
        registry.removeSingleMetric('holdfast_projection_pending_events');
        registry.removeSingleMetric('holdfast_projection_behind_seconds');
        new Gauge({
          name: 'holdfast_projection_pending_events',
          help: 'Events received and not yet in the tables.',
          registers,
          collect() {
            this.set(status().pendingEvents);
          },
        });
        new Gauge({
          name: 'holdfast_projection_behind_seconds',
          help: 'Age of the last applied event while more are waiting.',
          registers,
          collect() {
            this.set(status().lagSeconds);
          },
        });
      },
      observeSets: (positions) => {
        new Gauge({
          name: 'holdfast_read_models_position',
          help: 'Position in the log of each set of read models: live, and next or previous where there are any.',
          labelNames: ['set'],
          registers,
          async collect() {
            this.reset();
            // A database that is away must not take the other metrics with it.
            for (const [set, position] of await positions().catch(() => []))
              this.set({ set }, Number(position));
          },
        });
      },
    },
  };
};
