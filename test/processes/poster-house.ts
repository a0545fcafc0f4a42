import { randomUUID } from 'node:crypto';
import { channel } from '../../src/domain/channel.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import type { EntryPosted } from '../../src/domain/settlement.js';
import { createPoster, type Poster, type PosterOptions } from '../../src/processes/poster.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import { createCommandRunner, type RunnerLimits } from '../../src/runtime/command-runner.js';
import type { Queryable } from '../../src/runtime/database.js';
import type { EventStore, StoredEvent } from '../../src/runtime/event-store.js';

export const codec = createCodec(allEventDefinitions);

/** The row that the poster keeps, without a PostgreSQL: one statement reads it, the other moves it forward. */
export const checkpointRow = (): Queryable & { row: { commit: string; prepare: string } | undefined } => {
  const table = {
    row: undefined as { commit: string; prepare: string } | undefined,
    query: async <Row>(sql: string, parameters: readonly unknown[] = []) => {
      if (!sql.startsWith('SELECT')) {
        table.row = { commit: String(parameters[1]), prepare: String(parameters[2]) };
      }
      return { rows: (table.row === undefined ? [] : [table.row]) as Row[], rowCount: 1 };
    },
  };
  return table;
};

export interface House {
  readonly bus: CommandBus;
  readonly poster: Poster;
}

/** A process over the store: what it had in memory is gone with it. */
export const boot = (
  store: EventStore,
  db: Queryable = checkpointRow(),
  options: Partial<PosterOptions> & { readonly limits?: Partial<RunnerLimits> } = {},
): House => {
  const { limits = {}, ...rest } = options;
  const bus = createCommandRunner({ store, codec, limits });
  return { bus, poster: createPoster({ store, bus, codec, db, checkpointPauseMs: 0, ...rest }) };
};

export const contextAt = (effectiveAt: string) => {
  const id = randomUUID();
  return { commandId: id, correlationId: id, actor: 'test', effectiveAt };
};

export const configure = ({ bus }: House, name: string, timeZone: string) =>
  bus.execute(
    channel,
    name,
    {
      type: 'configure',
      settings: { name, timeZone, currencies: ['GBP'], sources: ['main'], confirm: 'auto' },
    },
    contextAt('2026-01-01T00:00:00Z'),
  );

export interface Fact {
  readonly channel: string;
  readonly order: string;
  readonly id: string;
  readonly at: string;
  readonly amount: string;
  readonly type: 'ship' | 'return';
}

/** Writes a shipment or return as the order's stream would have it. */
export const record = async (store: EventStore, fact: Fact): Promise<void> => {
  const { channel: of, order, id, at, amount, type } = fact;
  const line = { lineId: '1', kind: 'goods', sku: 'A', quantity: 1, amount, discount: '0.00', tax: '0.00' };
  const shared = { channel: of, currency: 'GBP', lines: [line] };
  const event =
    type === 'ship'
      ? { type: 'OrderShipped', data: { shipmentId: id, ...shared } }
      : { type: 'OrderReturned', data: { returnId: id, reason: 'late', allowance: '0.10', ...shared } };
  const metadata = { commandId: id, $correlationId: `corr-${id}`, $causationId: id, actor: 'test' };
  await store.append(`order-${of}~${order}`, [codec.encode(event, { ...metadata, effectiveAt: at })], 'any');
};

export interface Posted {
  readonly stream: string;
  readonly stored: StoredEvent;
  readonly data: EntryPosted;
}

export const postedIn = (log: readonly StoredEvent[]): Posted[] =>
  log
    .filter(({ type }) => type === 'EntryPosted')
    .map((stored) => ({
      stream: stored.stream,
      stored,
      data: codec.decode(stored).event.data as EntryPosted,
    }));

/** The ledger without what differs from run to run, per stream in its order. */
export const ledgerOf = (log: readonly StoredEvent[]): Record<string, string[]> => {
  const ledger: Record<string, string[]> = {};
  for (const { stream, data } of postedIn(log)) {
    const rows = ledger[stream] ?? [];
    ledger[stream] = rows;
    rows.push(
      `${data.entryId} ${data.effectiveDay} ${data.postings.map((one) => Object.values(one)).join(' ')}`,
    );
  }
  return ledger;
};
