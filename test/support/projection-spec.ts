import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { DomainEvent } from '../../src/domain/decider.js';
import type { EventDefinition } from '../../src/domain/event-definition.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { allProjections } from '../../src/projections/index.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { Database } from '../../src/runtime/database.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';
import { applyToAll } from '../../src/runtime/parked.js';
import type { Projection } from '../../src/runtime/projection.js';

/**
 * A projection gets the log in batches, and where one ends is chance: rows must not depend on it. Given these facts, then these rows,
 * whole, one by one, and cut in two at every place:
 *
 *     const spec = await projectionSpec(database.db, [stockLevels]);
 *     await spec
 *       .given(['stock-main~A', received], ['stock-main~A', held])
 *       .thenRows('stock_levels', [{ sku: 'A', on_hand: 5n, held: 2n }]);
 *
 * For random logs, inside a property: `await spec.expectSame(log, sizes)` with `sizes` from {@link batchSizes}.
 */
export interface ProjectionSpec {
  given(...facts: readonly Fact[]): {
    /**
     * These rows in this order (of the table's first columns), each with at least these columns. The tables stay filled, for closer
     * looks by the queries of the projection.
     */
    thenRows(table: string, expected: readonly Readonly<Record<string, unknown>>[]): Promise<void>;
  };
  /** The same rows in every table from the log as a whole and in batches of these sizes; they stay, from the latter. */
  expectSame(log: readonly RecordedEvent[], sizes: readonly number[]): Promise<void>;
  /** One batch in one transaction, as the runner does it; or several, by their sizes, and what is left over in one. */
  apply(log: readonly RecordedEvent[], sizes?: readonly number[]): Promise<void>;
  /** Every row of every table, as text in a fixed order, without columns that are not from the log. */
  rows(): Promise<Record<string, string[]>>;
  /** Deletes: of small tables that takes a tenth of what TRUNCATE does, which makes files anew. */
  empty(): Promise<void>;
}

/** What happened in a stream, and when in the world. */
export type Fact = readonly [stream: string, event: DomainEvent, effectiveAt?: string];

const EFFECTIVE_AT = '2026-01-15T11:00:00.000Z';

/** Sizes of the first batches of a log. */
export const batchSizes: fc.Arbitrary<readonly number[]> = fc.array(fc.integer({ min: 1, max: 12 }), {
  maxLength: 60,
});

const RECORDED_FROM = Date.parse('2026-01-15T12:00:00Z');
const POSITION_STEP = 100n;

/** Writes facts as a log would number them, through the codec and JSON: an event that its schema refuses throws here. */
export const createRecorder = (definitions: readonly EventDefinition[] = allEventDefinitions) => {
  const codec = createCodec(definitions);
  const revisions = new Map<string, number>();
  let position = 0n;
  return (...[stream, event, effectiveAt = EFFECTIVE_AT]: Fact): RecordedEvent => {
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    position += POSITION_STEP;
    const ids = { commandId: 'c', $correlationId: 'c', $causationId: 'c' };
    const encoded = codec.encode(event, { ...ids, actor: 'test', effectiveAt });
    return codec.decode({
      ...encoded,
      data: JSON.parse(JSON.stringify(encoded.data)),
      stream,
      revision,
      position: { commit: position, prepare: position },
      recordedAt: new Date(RECORDED_FROM + Number(position)),
    });
  };
};

/** Columns that are not from the log. */
const TRANSIENT = ['touched_at', 'claimed_until'];

/** Makes the tables of the projections, all of them by default, in a fresh database. */
export const projectionSpec = async (
  db: Database,
  projections: readonly Projection[] = allProjections,
  definitions: readonly EventDefinition[] = allEventDefinitions,
): Promise<ProjectionSpec> => {
  const tables = projections.flatMap((projection) => projection.tables);
  for (const { create } of projections) await db.query(create);

  const empty = async (): Promise<void> => {
    await db.query(tables.map((table) => `DELETE FROM ${table}`).join('; '));
  };

  const apply = async (log: readonly RecordedEvent[], sizes: readonly number[] = []): Promise<void> => {
    let at = 0;
    for (const size of [...sizes, log.length]) {
      if (at >= log.length) return;
      const batch = log.slice(at, at + size);
      await db.transaction((tx) => applyToAll(projections, batch, tx));
      at += size;
    }
  };

  const rows = async (): Promise<Record<string, string[]>> => {
    const found: Record<string, string[]> = {};
    for (const table of tables) {
      const sql = `SELECT (to_jsonb(r) - $1::text[])::text AS row FROM ${table} r ORDER BY 1`;
      found[table] = (await db.query<{ row: string }>(sql, [TRANSIENT])).rows.map(({ row }) => row);
    }
    return found;
  };

  const rowsAfter = async (log: readonly RecordedEvent[], sizes: readonly number[]) => {
    await empty();
    await apply(log, sizes);
    return rows();
  };

  return {
    apply,
    rows,
    empty,
    expectSame: async (log, sizes) => {
      const whole = await rowsAfter(log, []);
      expect(await rowsAfter(log, sizes)).toEqual(whole);
    },
    given: (...facts) => ({
      thenRows: async (table, expected) => {
        const record = createRecorder(definitions);
        const log = facts.map((fact) => record(...fact));
        const oneByOne = await rowsAfter(log, Array(log.length).fill(1));
        for (let cut = 1; cut < log.length; cut += 1) expect(await rowsAfter(log, [cut])).toEqual(oneByOne);
        expect(await rowsAfter(log, [])).toEqual(oneByOne);
        const { rows: found } = await db.query<Record<string, unknown>>(
          `SELECT * FROM ${table} ORDER BY 1, 2`,
        );
        expect(found).toMatchObject(expected);
      },
    }),
  };
};
