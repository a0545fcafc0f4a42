import type { OrderEvent } from '../domain/order-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { texts } from './columns.js';
import { isOf } from './event-of.js';

/**
 * The words an order is known by: its ids, customer, coupons, SKUs, credit notes, and why it was held or rejected. No personal data is in
 * the log, so none can be found here.
 *
 * A table of its own, because `orders` is written several times per order and most of these words once. They are lexemes as we
 * cut them and not as PostgreSQL's parser would: it makes two words of `A-1` and a number of `-1`. One GIN entry per word, and a
 * query by the beginning of words. An order of 22 lines costs PostgreSQL 68 us here, of which 54 are its SKUs (20,000 orders in
 * batches of 2,000 into PostgreSQL 15); an index of SKUs in lower case on the lines would cost it twice that.
 */
const create = `
CREATE TABLE order_search (
  order_id text COLLATE "C" PRIMARY KEY,
  words    tsvector NOT NULL
);
CREATE INDEX order_search_words ON order_search USING gin (words);
`;

/** Of one text, and of one word of it, in characters (UTF-16). What is longer is found by its beginning. */
export const SEARCHED_TEXT_MAX = 500;
export const WORD_LENGTH_MAX = 64;
/** An order may have as many credit notes as units: only those among so many events of its stream are found by their number. */
export const SEARCHED_RETURNS_MAX = 500;
/** Words of one question. */
export const QUESTION_WORDS_MAX = 10;

const WRAPPING = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu;
const HALF_A_PAIR = /[\uD800-\uDBFF]$/;
const cut = (text: string, length: number): string => text.slice(0, length).replace(HALF_A_PAIR, '');

/** What most SKUs and ids are. */
const ONE_WORD = /^[A-Za-z0-9]{1,64}$/;

/** In lower case, without the punctuation around them: `"#A-1," 'Émile'` is `a-1` and `émile`. */
export const wordsOf = (text: string): string[] =>
  ONE_WORD.test(text)
    ? [text.toLowerCase()]
    : cut(text, SEARCHED_TEXT_MAX)
        .toLowerCase()
        .split(/\s+/u)
        .filter((word) => word !== '')
        .map((word) => cut(word.replace(WRAPPING, '') || word, WORD_LENGTH_MAX));

/** A `tsquery`: every word of the text is the beginning of one of the order's. Undefined where there is no word in it. */
export const questionOf = (text: string): string | undefined => {
  const words = [...new Set(wordsOf(text))].slice(0, QUESTION_WORDS_MAX);
  if (words.length === 0) return undefined;
  return words.map((word) => `'${word.replace(/['\\]/g, '$&$&')}':*`).join(' & ');
};

const textsOf = (event: OrderEvent, { streamId, revision }: RecordedEvent): readonly string[] => {
  switch (event.type) {
    case 'OrderPlaced': {
      const { externalId, customerId, coupons, lines } = event.data;
      const ids = customerId === undefined ? [streamId, externalId] : [streamId, externalId, customerId];
      return [...ids, ...coupons, ...lines.map(({ sku }) => sku)];
    }
    case 'OrderChangeConfirmed':
      return event.data.added.map(({ sku }) => sku);
    case 'OrderRejected':
      return [event.data.code, event.data.detail];
    case 'OrderHeld':
    case 'OrderHoldResolved':
      return [event.data.reason];
    case 'OrderReturned':
      return event.data.note === undefined || revision >= SEARCHED_RETURNS_MAX ? [] : [event.data.note];
    default:
      return [];
  }
};

const UPSERT = `
INSERT INTO order_search (order_id, words)
SELECT order_id, array_to_tsvector(words::text[]) FROM unnest($1::text[], $2::text[]) AS row (order_id, words)
ON CONFLICT (order_id) DO UPDATE SET words = order_search.words || excluded.words`;

export const orderSearch: Projection = {
  name: 'order_search',
  version: 1,
  categories: ['order'],
  tables: ['order_search'],
  create,
  async apply(events, tx) {
    const found = new Map<string, Set<string>>();
    for (const recorded of events) {
      if (!isOf(recorded, 'order')) continue;
      for (const text of textsOf(recorded.event, recorded)) {
        let words = found.get(recorded.streamId);
        if (words === undefined) {
          words = new Set();
          found.set(recorded.streamId, words);
        }
        for (const word of wordsOf(text)) words.add(word);
      }
    }
    if (found.size === 0) return;
    const rows = [...found.values()].map((words) => texts([...words]));
    await tx.query(UPSERT, [texts([...found.keys()]), texts(rows)], 'order_search.upsert');
  },
};
