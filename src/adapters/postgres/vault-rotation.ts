import type { Database } from '../../runtime/database.js';
import { type MasterKeys, type Vault, VaultKeyUnknown } from '../../runtime/vault.js';
import { unwrapKey, wrapKey } from './vault-crypto.js';

/** Keys wrapped anew in one transaction. */
export const REWRAP_BATCH_SUBJECTS = 500;

interface KeyRow {
  readonly customer_id: string;
  readonly key_id: string;
  readonly wrapped: Buffer;
}

/**
 * One batch of a rotation of the master key, in one transaction: killed in the middle, nothing of it has happened, and the next call
 * begins where the last whole batch ended. Records stay as they are; only their keys are wrapped anew. One that is being erased
 * meanwhile is passed over.
 */
export const rewrapKeys = async (db: Database, keys: MasterKeys): ReturnType<Vault['rewrap']> => {
  const current = await keys.current();
  return db.transaction(async (tx) => {
    const { rows } = await tx.query<KeyRow>(
      `SELECT customer_id, key_id, wrapped FROM vault.keys WHERE key_id <> $1
       ORDER BY customer_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
      [current.id, REWRAP_BATCH_SUBJECTS],
    );
    const wrapped: Buffer[] = [];
    for (const row of rows) {
      const before = await keys.find(row.key_id);
      if (before === undefined) throw new VaultKeyUnknown(row.key_id);
      const key = unwrapKey(before, row.customer_id, row.wrapped);
      wrapped.push(wrapKey(current, row.customer_id, key));
      key.fill(0);
    }
    if (rows.length > 0) {
      await tx.query(
        `UPDATE vault.keys SET key_id = $1, wrapped = changed.wrapped
         FROM unnest($2::text[], $3::bytea[]) AS changed (customer_id, wrapped)
         WHERE keys.customer_id = changed.customer_id`,
        [current.id, rows.map(({ customer_id }) => customer_id), wrapped],
      );
    }
    const { rows: counted } = await tx.query<{ left: bigint }>(
      'SELECT count(*) AS left FROM vault.keys WHERE key_id <> $1',
      [current.id],
    );
    return { rewrapped: rows.length, left: Number(counted[0]?.left ?? 0n) };
  });
};
