import type { Queryable } from '../runtime/database.js';
import { LOG_START, type LogPosition } from '../runtime/event-store.js';

/** The poster's row among the checkpoints; nobody compares epochs here. */
const NAME = 'poster';

/**
 * How far the poster has come: a hint and nothing more. Written after the entries, so it is never ahead of them; behind or lost
 * costs time, because what is posted already yields nothing.
 */
export interface PosterCheckpoint {
  load(): Promise<LogPosition>;
  /** Never moves back. */
  save(position: LogPosition): Promise<void>;
}

export const createPosterCheckpoint = (db: Queryable): PosterCheckpoint => ({
  async load() {
    const { rows } = await db.query<{ commit: string; prepare: string }>(
      `SELECT commit_position::text AS commit, prepare_position::text AS prepare
       FROM runtime.checkpoints WHERE name = $1`,
      [NAME],
    );
    const row = rows[0];
    return row === undefined ? LOG_START : { commit: BigInt(row.commit), prepare: BigInt(row.prepare) };
  },
  async save({ commit, prepare }) {
    await db.query(
      `INSERT INTO runtime.checkpoints AS c (name, epoch, commit_position, prepare_position)
       VALUES ($1, 0, $2, $3)
       ON CONFLICT (name) DO UPDATE
       SET commit_position = excluded.commit_position, prepare_position = excluded.prepare_position,
           updated_at = now()
       WHERE (c.commit_position, c.prepare_position) < (excluded.commit_position, excluded.prepare_position)`,
      [NAME, commit, prepare],
    );
  },
});
