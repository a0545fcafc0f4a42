import { type Column, keyedCheck, type TableCheck, texts } from './compare.js';
import type { LogFold } from './fold.js';
import type { FoldedOrder } from './folded-order.js';
import { searchWords } from './search-words.js';
import { textCell } from './tables-orders.js';

/** A `tsvector` as JSON, by bytes. */
const WORDS: Column = {
  name: 'words',
  sql: `to_json(ARRAY(SELECT word FROM unnest(tsvector_to_array("words")) AS word ORDER BY word COLLATE "C"))::text`,
};

function* searchedTexts({ id, placed, lines, rejection, notes, reviews }: FoldedOrder): Generator<string> {
  yield id;
  yield placed.externalId;
  if (placed.customerId !== undefined) yield placed.customerId;
  yield* placed.coupons;
  for (const { sku } of lines.values()) yield sku;
  if (rejection !== undefined) yield* [rejection.code, rejection.detail];
  yield* notes ?? [];
  for (const { data, resolution } of reviews?.all.values() ?? []) {
    yield data.reason;
    if (resolution !== undefined) yield resolution.reason;
  }
}

/** The words that every order is found by. */
export const orderSearch = ({ orders: { orders: all } }: LogFold): TableCheck =>
  keyedCheck<FoldedOrder>({
    table: 'order_search',
    key: texts('order_id'),
    columns: [WORDS],
    all: () => all.values(),
    find: ([id = '']) => all.get(id),
    keyOf: ({ id }) => [id],
    cellsOf: (order) => [textCell(JSON.stringify(searchWords(searchedTexts(order))))],
  });
