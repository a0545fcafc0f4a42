import type { Queryable } from '../../runtime/database.js';
import type { Access, AccessReason, VaultCaller } from '../../runtime/vault.js';

/** For so long it can be told who read a record; what is older is deleted. */
export const ACCESSES_KEPT_DAYS = 730;
/** Outdated accesses that each new one takes along: more than come, so that none stays much longer than it should. */
const OUTDATED_PER_ACCESS = 20;

const RECORD = `
WITH outdated AS (
  DELETE FROM vault.accesses WHERE id IN (
    SELECT id FROM vault.accesses WHERE at < now() - make_interval(days => $6)
    ORDER BY at LIMIT ${OUTDATED_PER_ACCESS} FOR UPDATE SKIP LOCKED))
INSERT INTO vault.accesses (customer_id, at, actor, role, purpose, order_id)
VALUES ($1, clock_timestamp(), $2, $3, $4, $5)`;

/** In the transaction of the read: what is not recorded is not answered. */
export const recordAccess = async (
  tx: Queryable,
  customerId: string,
  { actor, role }: VaultCaller,
  { purpose, orderId }: AccessReason,
): Promise<void> => {
  const row = [customerId, actor, role, purpose, orderId ?? null, ACCESSES_KEPT_DAYS];
  await tx.query(RECORD, row, 'vault.access');
};

interface AccessRow {
  readonly id: bigint;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly purpose: Access['purpose'];
  readonly order_id: string | null;
}

export const listAccesses = async (
  db: Queryable,
  customerId: string,
  { before, limit }: { readonly before?: bigint | undefined; readonly limit: number },
): Promise<readonly Access[]> => {
  const { rows } = await db.query<AccessRow>(
    `SELECT id, at, actor, role, purpose, order_id FROM vault.accesses
     WHERE customer_id = $1 AND ($2::bigint IS NULL OR id < $2) AND at >= now() - make_interval(days => $3)
     ORDER BY id DESC LIMIT $4`,
    [customerId, before ?? null, ACCESSES_KEPT_DAYS, limit],
    'vault.accesses',
  );
  return rows.map(({ order_id, ...row }) => ({
    ...row,
    ...(order_id === null ? {} : { orderId: order_id }),
  }));
};
