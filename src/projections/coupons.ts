import type { CouponEvent, CouponTerms } from '../domain/coupon.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { numbers, texts } from './columns.js';
import { ANY_TEXT, type Page, type PageRequest, pageSize, readCursor, toPage } from './cursor.js';
import { isOf } from './event-of.js';

/** Coupons with what is left of them, and what each order did with them. */
const create = `
CREATE TABLE coupons (
  code         text COLLATE "C" PRIMARY KEY,
  terms        jsonb NOT NULL,
  usage_limit  bigint NOT NULL,
  held         bigint NOT NULL,
  -- Less what was given back.
  redeemed     bigint NOT NULL,
  available    bigint GENERATED ALWAYS AS (usage_limit - held - redeemed) STORED,
  revision     bigint NOT NULL,
  position     bigint NOT NULL,
  effective_at timestamptz NOT NULL,
  recorded_at  timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE coupon_redemptions (
  code         text COLLATE "C" NOT NULL,
  order_id     text COLLATE "C" NOT NULL,
  -- held, redeemed, released, given_back
  status       text NOT NULL,
  effective_at timestamptz NOT NULL,
  recorded_at  timestamptz NOT NULL,
  PRIMARY KEY (code, order_id)
);
`;

const INSERT = `
INSERT INTO coupons (code, terms, usage_limit, held, redeemed, revision, position, effective_at, recorded_at)
SELECT code, terms::jsonb, usage_limit, held, redeemed, revision, position, effective_at, recorded_at
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
  $8::text[], $9::bigint[])
  AS row (code, held, redeemed, revision, position, effective_at, recorded_at, terms, usage_limit)`;

const UPDATE = `
UPDATE coupons SET held = coupons.held + change.held, redeemed = coupons.redeemed + change.redeemed,
  revision = change.revision, position = change.position, effective_at = change.effective_at,
  recorded_at = change.recorded_at
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
  AS change (code, held, redeemed, revision, position, effective_at, recorded_at)
WHERE coupons.code = change.code`;

const REDEMPTIONS = `
INSERT INTO coupon_redemptions (code, order_id, status, effective_at, recorded_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
ON CONFLICT (code, order_id) DO UPDATE SET status = excluded.status, effective_at = excluded.effective_at,
  recorded_at = excluded.recorded_at`;

export type RedemptionStatus = 'held' | 'redeemed' | 'released' | 'given_back';

interface Change {
  terms: CouponTerms | undefined;
  held: number;
  redeemed: number;
  last: RecordedEvent;
  readonly redemptions: Map<string, { readonly status: RedemptionStatus; readonly recorded: RecordedEvent }>;
}

const EFFECT = {
  CouponHeld: { held: 1, redeemed: 0, status: 'held' },
  CouponRedeemed: { held: -1, redeemed: 1, status: 'redeemed' },
  CouponReleased: { held: -1, redeemed: 0, status: 'released' },
  CouponGivenBack: { held: 0, redeemed: -1, status: 'given_back' },
} as const;

const evolve = (change: Change, event: CouponEvent, recorded: RecordedEvent): void => {
  change.last = recorded;
  if (event.type === 'CouponIssued') {
    change.terms = event.data;
    return;
  }
  const { held, redeemed, status } = EFFECT[event.type];
  change.held += held * event.data.quantity;
  change.redeemed += redeemed * event.data.quantity;
  change.redemptions.set(event.data.holdId, { status, recorded });
};

const collapse = (events: readonly RecordedEvent[]): Map<string, Change> => {
  const changes = new Map<string, Change>();
  for (const recorded of events) {
    if (!isOf(recorded, 'coupon')) continue;
    let change = changes.get(recorded.streamId);
    if (change === undefined) {
      change = { terms: undefined, held: 0, redeemed: 0, last: recorded, redemptions: new Map() };
      changes.set(recorded.streamId, change);
    }
    evolve(change, recorded.event, recorded);
  }
  return changes;
};

const columns = (rows: readonly (readonly [string, Change])[]): string[] => [
  texts(rows.map(([code]) => code)),
  numbers(rows.map(([, { held }]) => held)),
  numbers(rows.map(([, { redeemed }]) => redeemed)),
  numbers(rows.map(([, { last }]) => last.revision)),
  numbers(rows.map(([, { last }]) => last.position.commit)),
  texts(rows.map(([, { last }]) => last.metadata.effectiveAt)),
  texts(rows.map(([, { last }]) => last.recordedAt.toISOString())),
];

const writeRedemptions = async (
  rows: readonly (readonly [string, Change])[],
  tx: Queryable,
): Promise<void> => {
  const all = rows.flatMap(([code, { redemptions }]) =>
    [...redemptions].map(([orderId, { status, recorded }]) => ({ code, orderId, status, recorded })),
  );
  if (all.length === 0) return;
  await tx.query(
    REDEMPTIONS,
    [
      texts(all.map(({ code }) => code)),
      texts(all.map(({ orderId }) => orderId)),
      texts(all.map(({ status }) => status)),
      texts(all.map(({ recorded }) => recorded.metadata.effectiveAt)),
      texts(all.map(({ recorded }) => recorded.recordedAt.toISOString())),
    ],
    'coupon_redemptions.upsert',
  );
};

export const coupons: Projection = {
  name: 'coupons',
  version: 1,
  categories: ['coupon'],
  tables: ['coupons', 'coupon_redemptions'],
  create,
  async apply(events, tx) {
    const changes = [...collapse(events)];
    const issued = changes.filter(([, { terms }]) => terms !== undefined);
    const used = changes.filter(([, { terms }]) => terms === undefined);
    if (issued.length > 0) {
      const terms = issued.map(([, change]) => change.terms);
      await tx.query(
        INSERT,
        [
          ...columns(issued),
          texts(terms.map((one) => JSON.stringify(one))),
          numbers(terms.map((one) => one?.limit ?? 0)),
        ],
        'coupons.insert',
      );
    }
    if (used.length > 0) {
      const { rowCount } = await tx.query(UPDATE, columns(used), 'coupons.update');
      if (rowCount < used.length) throw new Error('an event of a coupon that was never issued');
    }
    await writeRedemptions(changes, tx);
  },
};

/** `available` is how often it can still be used: the limit less what is held and redeemed. */
export interface CouponView {
  readonly code: string;
  readonly terms: CouponTerms;
  readonly held: number;
  readonly redeemed: number;
  readonly available: number;
  readonly revision: number;
  readonly effectiveAt: Date;
  readonly recordedAt: Date;
}

interface Row {
  readonly code: string;
  readonly terms: CouponTerms;
  readonly held: bigint;
  readonly redeemed: bigint;
  readonly available: bigint;
  readonly revision: bigint;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

const toView = (row: Row): CouponView => ({
  code: row.code,
  terms: row.terms,
  held: Number(row.held),
  redeemed: Number(row.redeemed),
  available: Number(row.available),
  revision: Number(row.revision),
  effectiveAt: row.effective_at,
  recordedAt: row.recorded_at,
});

/** Undefined for a code that was never issued. Case matters. */
export const findCoupon = async (db: Queryable, code: string): Promise<CouponView | undefined> => {
  const { rows } = await db.query<Row>('SELECT * FROM coupons WHERE code = $1', [code], 'coupons.find');
  return rows[0] === undefined ? undefined : toView(rows[0]);
};

const LIST = 'coupons';

/** Coupons by code (byte order). Throws {@link InvalidCursor}. */
export const listCoupons = async (db: Queryable, page: PageRequest = {}): Promise<Page<CouponView>> => {
  const size = pageSize(page);
  const [after = null] = readCursor(LIST, page, [ANY_TEXT]) ?? [];
  const { rows } = await db.query<Row>(
    'SELECT * FROM coupons WHERE ($1::text IS NULL OR code > $1) ORDER BY code LIMIT $2',
    [after, size + 1],
  );
  return toPage(LIST, rows, size, ({ code }) => [code], toView);
};

/** What became of a coupon in one order; times are of the last event. */
export interface Redemption {
  readonly orderId: string;
  readonly status: RedemptionStatus;
  readonly effectiveAt: Date;
  readonly recordedAt: Date;
}

interface RedemptionRow {
  readonly order_id: string;
  readonly status: RedemptionStatus;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

const REDEMPTION_LIST = 'redemptions';

/** Orders that used a code, by order id. Throws {@link InvalidCursor}. */
export const listRedemptions = async (
  db: Queryable,
  code: string,
  page: PageRequest = {},
): Promise<Page<Redemption>> => {
  const size = pageSize(page);
  const [after = null] = readCursor(REDEMPTION_LIST, page, [ANY_TEXT]) ?? [];
  const { rows } = await db.query<RedemptionRow>(
    `SELECT order_id, status, effective_at, recorded_at FROM coupon_redemptions
     WHERE code = $1 AND ($2::text IS NULL OR order_id > $2) ORDER BY order_id LIMIT $3`,
    [code, after, size + 1],
  );
  return toPage(
    REDEMPTION_LIST,
    rows,
    size,
    ({ order_id }) => [order_id],
    (row) => ({
      orderId: row.order_id,
      status: row.status,
      effectiveAt: row.effective_at,
      recordedAt: row.recorded_at,
    }),
  );
};
