import { type Channel, policiesIn, policiesText } from '../domain/channel.js';
import { type ReviewPolicy, reviewPolicy } from '../domain/review-rules.js';
import type { Queryable } from '../runtime/database.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Projection } from '../runtime/projection.js';
import { texts } from './columns.js';
import { isOf } from './event-of.js';

/** Channels with the settings they have now. */
const create = `
CREATE TABLE channels (
  channel            text COLLATE "C" PRIMARY KEY,
  name               text NOT NULL,
  time_zone          text NOT NULL,
  currencies         text[] NOT NULL,
  sources            text[] NOT NULL,
  confirm            text NOT NULL,
  expires_in_seconds integer,
  -- Its rules for reviews: JSON as recorded.
  review             text,
  -- Further policies: JSON, those that are set.
  policies           text,
  revision           bigint NOT NULL,
  position           bigint NOT NULL,
  effective_at       timestamptz NOT NULL,
  recorded_at        timestamptz NOT NULL
);
`;

const UPSERT = `
INSERT INTO channels VALUES ($1, $2, $3, $4::text[], $5::text[], $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (channel) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone,
  currencies = excluded.currencies, sources = excluded.sources, confirm = excluded.confirm,
  expires_in_seconds = excluded.expires_in_seconds, review = excluded.review, policies = excluded.policies,
  revision = excluded.revision, position = excluded.position, effective_at = excluded.effective_at, recorded_at = excluded.recorded_at`;

export const channels: Projection = {
  name: 'channels',
  version: 3,
  categories: ['channel'],
  tables: ['channels'],
  create,
  async apply(events, tx) {
    const last = new Map<string, RecordedEvent>();
    for (const recorded of events) if (recorded.category === 'channel') last.set(recorded.streamId, recorded);
    // Settings change by hand: a statement each is few.
    for (const recorded of last.values()) {
      if (!isOf(recorded, 'channel')) continue;
      const { data } = recorded.event;
      await tx.query(
        UPSERT,
        [
          recorded.streamId,
          data.name,
          data.timeZone,
          texts(data.currencies),
          texts(data.sources),
          data.confirm,
          data.expiresInSeconds ?? null,
          data.review === undefined ? null : JSON.stringify(data.review),
          policiesText(data) ?? null,
          recorded.revision,
          recorded.position.commit,
          recorded.metadata.effectiveAt,
          recorded.recordedAt,
        ],
        'channels.upsert',
      );
    }
  },
};

export interface ChannelView extends Channel {
  readonly channel: string;
  readonly revision: number;
  readonly effectiveAt: Date;
  readonly recordedAt: Date;
}

interface Row {
  readonly channel: string;
  readonly name: string;
  readonly time_zone: string;
  readonly currencies: string[];
  readonly sources: string[];
  readonly confirm: Channel['confirm'];
  readonly expires_in_seconds: number | null;
  readonly review: string | null;
  readonly policies: string | null;
  readonly revision: bigint;
  readonly effective_at: Date;
  readonly recorded_at: Date;
}

const policyOf = (text: string): ReviewPolicy => reviewPolicy.parse(JSON.parse(text));

const toView = (row: Row): ChannelView => ({
  channel: row.channel,
  name: row.name,
  timeZone: row.time_zone,
  currencies: row.currencies,
  sources: row.sources,
  confirm: row.confirm,
  ...(row.expires_in_seconds === null ? {} : { expiresInSeconds: row.expires_in_seconds }),
  ...(row.review === null ? {} : { review: policyOf(row.review) }),
  ...(row.policies === null ? {} : policiesIn(row.policies)),
  revision: Number(row.revision),
  effectiveAt: row.effective_at,
  recordedAt: row.recorded_at,
});

/** Undefined for a channel that was never configured. */
export const findChannel = async (db: Queryable, channel: string): Promise<ChannelView | undefined> => {
  const { rows } = await db.query<Row>(
    'SELECT * FROM channels WHERE channel = $1',
    [channel],
    'channels.find',
  );
  return rows[0] === undefined ? undefined : toView(rows[0]);
};

/** A business has tens of channels, so the list is whole. */
export const listChannels = async (db: Queryable): Promise<readonly ChannelView[]> =>
  (await db.query<Row>('SELECT * FROM channels ORDER BY channel', [], 'channels.list')).rows.map(toView);
