import { isDeepStrictEqual } from 'node:util';
import { type Rejection, reject } from '../../domain/decider.js';
import type { Person } from '../../domain/person.js';
import type { Database, Queryable } from '../../runtime/database.js';
import {
  type Erasure,
  type KeptPerson,
  type MasterKeys,
  type Vault,
  type VaultCaller,
  VaultKeyUnknown,
  VaultRecordInvalid,
} from '../../runtime/vault.js';
import { listAccesses, recordAccess } from './vault-access.js';
import { newSubjectKey, openPerson, sealPerson, unwrapKey, wrapKey } from './vault-crypto.js';
import { rewrapKeys } from './vault-rotation.js';

/** Any constant: the first half of the lock of a subject. */
const SUBJECT_LOCKS = 8_103_379;

interface SubjectRow {
  readonly erased_at: Date | null;
  readonly erased_by: string | null;
  readonly version: number | null;
  readonly channel: string | null;
  readonly body: Buffer | null;
  readonly written_at: Date | null;
  readonly key_id: string | null;
  readonly wrapped: Buffer | null;
}

const FIND = `
SELECT erased_at, erased_by, version, channel, body, written_at, key_id, wrapped
FROM (SELECT $1::text AS customer_id) AS subject
LEFT JOIN vault.erased USING (customer_id)
LEFT JOIN vault.records USING (customer_id)
LEFT JOIN vault.keys USING (customer_id)`;

interface KeptRecord {
  readonly version: number;
  readonly channel: string | null;
  readonly body: Buffer;
  readonly writtenAt: Date;
}

interface Subject {
  readonly erasure: Erasure | undefined;
  readonly record: KeptRecord | undefined;
  readonly wrapped: { readonly keyId: string; readonly key: Buffer } | undefined;
}

const find = async (tx: Queryable, customerId: string): Promise<Subject> => {
  const { rows } = await tx.query<SubjectRow>(FIND, [customerId], 'vault.find');
  const [row] = rows;
  if (row === undefined) throw new Error('an outer join has always a row');
  const { erased_at, erased_by, version, channel, body, written_at, key_id, wrapped } = row;
  return {
    erasure: erased_at === null ? undefined : { customerId, erasedAt: erased_at, erasedBy: erased_by ?? '' },
    record:
      version === null || body === null || written_at === null
        ? undefined
        : { version, channel, body, writtenAt: written_at },
    wrapped: key_id === null || wrapped === null ? undefined : { keyId: key_id, key: wrapped },
  };
};

/** Until the end of the transaction nobody else writes or erases this subject. */
const lock = (tx: Queryable, customerId: string): Promise<unknown> =>
  tx.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [SUBJECT_LOCKS, customerId], 'vault.lock');

const erased = (): Rejection => reject('person_erased', 'the person was erased');
const unknown = (): Rejection => reject('unknown_person', 'nothing is known of the person');
const mayUse = ({ channel }: VaultCaller, record: KeptRecord): boolean =>
  channel === undefined || channel === record.channel;

/** The vault in PostgreSQL, in a schema of its own. */
export const createVault = ({ db, keys }: { readonly db: Database; readonly keys: MasterKeys }): Vault => {
  /** Gives the subject's key to `use` and forgets it. */
  const withKey = async <Result>(
    customerId: string,
    { wrapped }: Subject,
    use: (key: Buffer) => Result,
  ): Promise<Result> => {
    if (wrapped === undefined) throw new VaultRecordInvalid();
    const master = await keys.find(wrapped.keyId);
    if (master === undefined) throw new VaultKeyUnknown(wrapped.keyId);
    const key = unwrapKey(master, customerId, wrapped.key);
    try {
      return use(key);
    } finally {
      key.fill(0);
    }
  };

  const create = async (
    tx: Queryable,
    customerId: string,
    person: Person,
    { channel = null }: { readonly channel?: string | null | undefined },
  ): Promise<void> => {
    const master = await keys.current();
    const key = newSubjectKey();
    // A key without a record is what is left of a backup; nothing was ever encrypted by it that is still there.
    await tx.query(
      `INSERT INTO vault.keys (customer_id, key_id, wrapped) VALUES ($1, $2, $3)
       ON CONFLICT (customer_id) DO UPDATE SET key_id = excluded.key_id, wrapped = excluded.wrapped`,
      [customerId, master.id, wrapKey(master, customerId, key)],
    );
    const body = sealPerson(key, { customerId, version: 1, channel }, person);
    key.fill(0);
    await tx.query(
      `INSERT INTO vault.records (customer_id, version, channel, body, written_at)
       VALUES ($1, 1, $2, $3, clock_timestamp())`,
      [customerId, channel, body],
    );
  };

  const write: Vault['write'] = (customerId, person, caller, expectedVersion) =>
    db.transaction(async (tx) => {
      await lock(tx, customerId);
      const subject = await find(tx, customerId);
      const { erasure, record } = subject;
      if (erasure !== undefined) return erased();
      if (record === undefined) {
        if (expectedVersion !== undefined)
          return reject('stale_version', 'there is no such version', { version: 0 });
        await create(tx, customerId, person, caller);
        return { version: 1, change: 'created' };
      }
      if (!mayUse(caller, record)) return reject('forbidden_channel', 'another channel keeps this person');
      const { version, channel, body } = record;
      const place = { customerId, version, channel };
      const next = { ...place, version: version + 1 };
      const change = await withKey(customerId, subject, (key) =>
        isDeepStrictEqual(openPerson(key, place, body), person) ? undefined : sealPerson(key, next, person),
      );
      if (change === undefined) return { version, change: 'none' };
      if (expectedVersion === undefined)
        return reject('version_required', 'say which version you have read (If-Match)', { version });
      if (expectedVersion !== version)
        return reject('stale_version', `the record is at version ${version}`, { version });
      await tx.query(
        'UPDATE vault.records SET version = $2, body = $3, written_at = clock_timestamp() WHERE customer_id = $1',
        [customerId, next.version, change],
      );
      return { version: next.version, change: 'changed' };
    });

  const read: Vault['read'] = (customerId, caller, reason) =>
    db.transaction(async (tx): Promise<KeptPerson | Rejection> => {
      const subject = await find(tx, customerId);
      const { erasure, record } = subject;
      if (erasure !== undefined) return erased();
      if (record === undefined || !mayUse(caller, record)) return unknown();
      const { version, channel, body, writtenAt } = record;
      const place = { customerId, version, channel };
      const person = await withKey(customerId, subject, (key) => openPerson(key, place, body));
      await recordAccess(tx, customerId, caller, reason);
      return { customerId, version, channel: channel ?? undefined, writtenAt, person };
    });

  const erase: Vault['erase'] = (customerId, { actor, at }) =>
    db.transaction(async (tx) => {
      await lock(tx, customerId);
      const before = (await find(tx, customerId)).erasure;
      // Also where it was erased before: a restored backup may have brought the record back.
      await tx.query('DELETE FROM vault.keys WHERE customer_id = $1', [customerId]);
      await tx.query('DELETE FROM vault.records WHERE customer_id = $1', [customerId]);
      if (before !== undefined) return before;
      const { rows } = await tx.query<{ erased_at: Date }>(
        `INSERT INTO vault.erased (customer_id, erased_at, erased_by)
         VALUES ($1, coalesce($2, clock_timestamp()), $3) RETURNING erased_at`,
        [customerId, at ?? null, actor],
      );
      const [row] = rows;
      if (row === undefined) throw new Error('an insert has always a row');
      return { customerId, erasedAt: row.erased_at, erasedBy: actor };
    });

  return {
    write,
    read,
    erase,
    accesses: (customerId, page) => listAccesses(db, customerId, page),
    async *erasures() {
      const all = db.stream<{ customer_id: string; erased_at: Date; erased_by: string }>(
        'SELECT customer_id, erased_at, erased_by FROM vault.erased ORDER BY customer_id',
      );
      for await (const rows of all) {
        yield rows.map(({ customer_id, erased_at, erased_by }) => ({
          customerId: customer_id,
          erasedAt: erased_at,
          erasedBy: erased_by,
        }));
      }
    },
    rewrap: () => rewrapKeys(db, keys),
  };
};
