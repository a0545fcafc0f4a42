import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Cell, type Difference, type Row, rowOf, texts } from '../../src/audit/compare.js';
import { Lockstep, type LogOrderedTable } from '../../src/audit/lockstep.js';
import type { Database, Queryable } from '../../src/runtime/database.js';
import { storedLog } from './written-log.js';

/** One row per event: its place, and a value. */
const table = (valueAt: (revision: number) => Cell): LogOrderedTable => ({
  table: 'things',
  key: texts('position'),
  columns: texts('value'),
  order: 'position',
  category: 'stock',
  rowsOf: ({ position, revision }) => [[`${position.commit}`, valueAt(revision)]],
});

const walk = async (
  spec: LogOrderedTable,
  events: number,
  rows: readonly (readonly Cell[])[],
  fetched: number,
) => {
  const db: Pick<Database, 'stream'> = {
    async *stream<Result>() {
      for (let at = 0; at < rows.length; at += fetched) {
        const batch = rows.slice(at, at + fetched).map((cells): Row => ({ row: rowOf(cells) }));
        // The only query there is here asks for rows.
        yield batch as Result[];
      }
    },
  };
  const log = storedLog(Array.from({ length: events }, () => ['stock-main~A', 'StockHeld', {}] as const));
  const recorded = log.map(({ type, data, metadata: _, ...rest }) => ({
    ...rest,
    event: { type, data },
    category: 'stock',
    streamId: 'main~A',
    metadata: {
      commandId: '',
      $correlationId: '',
      $causationId: '',
      actor: '',
      effectiveAt: '',
      schemaVersion: 1,
    },
  }));
  const tx: Queryable = { query: async () => ({ rows: [], rowCount: 0 }) };
  const lockstep = new Lockstep(spec, db, tx);
  for (let at = 0; at < recorded.length; at += 3) await lockstep.compare(recorded.slice(at, at + 3));
  return lockstep.finish();
};

const found = ({ key, problem }: Difference): string => `${key.position} ${problem}`;

test('the walk beside the log finds exactly the rows that are missing, changed or too many', async () => {
  const fate = fc.constantFrom('same', 'same', 'same', 'gone', 'changed', 'followed');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fate, { maxLength: 15 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (fates, before, fetched) => {
        const rows: Cell[][] = before ? [['5', 'x']] : [];
        const wrong = before ? ['5 unexpected'] : [];
        fates.forEach((one, index) => {
          const position = `${(index + 1) * 10}`;
          if (one !== 'gone') rows.push([position, one === 'changed' ? 'other' : null]);
          if (one === 'followed') rows.push([`${(index + 1) * 10 + 5}`, null]);
          if (one === 'gone') wrong.push(`${position} missing`);
          if (one === 'changed') wrong.push(`${position} differs`);
          if (one === 'followed') wrong.push(`${(index + 1) * 10 + 5} unexpected`);
        });
        const {
          first,
          differences,
          rows: compared,
        } = await walk(
          table(() => null),
          fates.length,
          rows,
          fetched,
        );
        expect(first.map(found)).toEqual(wrong);
        expect(differences).toBe(wrong.length);
        expect(compared).toBe(rows.length);
      },
    ),
  );
});

test('a row says what differs, and nothing is not the empty text', async () => {
  const { first } = await walk(
    table(() => ''),
    1,
    [['10', null]],
    5,
  );
  expect(first).toEqual([
    { key: { position: '10' }, problem: 'differs', cells: [{ column: 'value', log: '', table: null }] },
  ]);
});
