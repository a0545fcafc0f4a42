import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Queryable } from '../runtime/database.js';

/**
 * Keys of the API. Only the sha-256 of a key is stored: a key is 256 random bits, so nothing is gained by hashing it slowly.
 *
 * admin: everything. channel: orders of its own channel. warehouse: stock and shipments, no payments. finance: ledgers. reader: reads.
 * privacy: personal data, to read and to erase, and nothing else.
 */
export const KEY_ROLES = ['admin', 'channel', 'warehouse', 'finance', 'reader', 'privacy'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** Who makes a request. `channel` is set for the role `channel` and nothing else. */
export interface Caller {
  readonly keyId: string;
  readonly role: KeyRole;
  readonly channel: string | undefined;
}

export interface ApiKey extends Caller {
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** A key taken back in another process is refused here after at most this long. */
export const KEY_CACHE_TTL_MS = 5_000;
export const KEY_CACHE_ENTRIES_MAX = 10_000;
export const KEYS_MAX = 10_000;

interface KeyRow {
  readonly id: string;
  readonly role: KeyRole;
  readonly channel: string | null;
  readonly created_at: Date;
  readonly revoked_at: Date | null;
}

const keyOf = (row: KeyRow): ApiKey => ({
  keyId: row.id,
  role: row.role,
  channel: row.channel ?? undefined,
  createdAt: row.created_at,
  revokedAt: row.revoked_at,
});

const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Makes a key and returns its secret, which nobody can ever read again. */
export const createApiKey = async (
  db: Queryable,
  { role, channel }: { readonly role: KeyRole; readonly channel?: string | undefined },
): Promise<{ readonly keyId: string; readonly secret: string }> => {
  const keyId = randomUUID();
  const secret = `hf_${randomBytes(32).toString('base64url')}`;
  await db.query('INSERT INTO runtime.api_keys (id, hash, role, channel) VALUES ($1, $2, $3, $4)', [
    keyId,
    digest(secret),
    role,
    channel ?? null,
  ]);
  return { keyId, secret };
};

export interface ApiKeys {
  /** Who a secret belongs to; undefined for a wrong or revoked one. */
  find(secret: string): Promise<Caller | undefined>;
  create(role: KeyRole, channel?: string): Promise<{ readonly keyId: string; readonly secret: string }>;
  list(): Promise<readonly ApiKey[]>;
  /** False when there is no such key. Twice is as good as once. */
  revoke(keyId: string): Promise<boolean>;
}

const SECRET_LENGTH_MAX = 200;

/** Keys in PostgreSQL behind a short-lived cache, wrong keys included, so that guessing costs the database little. */
export const createApiKeys = (db: Queryable): ApiKeys => {
  const cache = new LRUCache<string, { readonly caller: Caller | undefined }>({
    max: KEY_CACHE_ENTRIES_MAX,
    ttl: KEY_CACHE_TTL_MS,
  });
  return {
    find: async (secret) => {
      if (secret.length > SECRET_LENGTH_MAX) return undefined;
      const hash = digest(secret);
      const name = hash.toString('base64');
      const known = cache.get(name);
      if (known !== undefined) return known.caller;
      const { rows } = await db.query<KeyRow>(
        'SELECT id, role, channel, created_at, revoked_at FROM runtime.api_keys WHERE hash = $1 AND revoked_at IS NULL',
        [hash],
        'find-api-key',
      );
      const caller = rows[0] === undefined ? undefined : keyOf(rows[0]);
      cache.set(name, { caller });
      return caller;
    },
    create: (role, channel) => createApiKey(db, { role, channel }),
    list: async () => {
      const { rows } = await db.query<KeyRow>(
        'SELECT id, role, channel, created_at, revoked_at FROM runtime.api_keys ORDER BY created_at, id LIMIT $1',
        [KEYS_MAX],
      );
      return rows.map(keyOf);
    },
    revoke: async (keyId) => {
      const { rowCount } = await db.query(
        'UPDATE runtime.api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1',
        [keyId],
      );
      cache.clear();
      return rowCount > 0;
    },
  };
};
