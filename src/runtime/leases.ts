import { type Database, DatabaseUnavailable, type Queryable } from './database.js';

/**
 * Leases: rows in PostgreSQL that say who is the one active runner of something, until when, by PostgreSQL's clock.
 *
 *   waiting --(free, expired, or its holder's session is gone: epoch + 1)--> held --(release)--> free
 *   held --(renewal finds another epoch, or none succeeds for TTL, or the session breaks)--> lost
 *   any --(revoked: epoch + 1)--> free
 *
 * A holder keeps a transaction open that holds an advisory lock named after its epoch. PostgreSQL drops it with the connection,
 * so one who was killed is followed at the next look; the time limit is for one who is stopped, or cut off without a word.
 * A lease is advice, the epoch is the guarantee: a holder that sleeps past its time may still believe in it, so every write it
 * makes must be conditional on its epoch. Costs one connection of the pool while held.
 */
export const LEASE_TTL_MS = 8_000;
export const LEASE_RENEW_MS = 2_000;
/** How often one that waits looks by itself; a clean release wakes it at once. */
export const LEASE_POLL_MS = 1_000;
const CHANNEL = 'holdfast_lease';

export interface Lease {
  readonly name: string;
  /** Larger than that of every earlier holder. */
  readonly epoch: bigint;
  /** Aborts when the lease is lost or released. */
  readonly lost: AbortSignal;
  /** Lets the next one in at once. Safe to call twice and after a loss. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly name: string;
  /** Says who holds it in `runtime.leases`; for people only. */
  readonly holder: string;
  readonly ttlMs?: number;
  readonly renewMs?: number;
  readonly pollMs?: number;
}

// Evaluated in no fixed order, and the lock ends with the statement, so trying it does no harm.
const LOOK = `
SELECT epoch, expires_at <= clock_timestamp()
           OR pg_try_advisory_xact_lock(hashtextextended($2 || epoch, 0)) AS free
FROM runtime.leases WHERE name = $1`;

const TAKE = `
INSERT INTO runtime.leases AS l (name, epoch, holder, expires_at)
VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder, expires_at = excluded.expires_at
WHERE l.epoch = excluded.epoch - 1`;

const RENEW = `
UPDATE runtime.leases SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
WHERE name = $1 AND epoch = $2 AND expires_at > '-infinity'`;

const RELEASE = `
WITH freed AS (
  UPDATE runtime.leases SET expires_at = '-infinity' WHERE name = $1 AND epoch = $2 RETURNING name
)
SELECT pg_notify('${CHANNEL}', name) FROM freed`;

const REVOKE = `
WITH revoked AS (
  INSERT INTO runtime.leases AS l (name, epoch, holder, expires_at) VALUES ($1, 1, $2, '-infinity')
  ON CONFLICT (name) DO UPDATE SET epoch = l.epoch + 1, holder = excluded.holder, expires_at = excluded.expires_at
  RETURNING name, epoch
)
SELECT epoch, pg_notify('${CHANNEL}', name) FROM revoked`;

/**
 * Takes the lease from whoever holds it when the caller's transaction commits, and leaves it free. Returns an epoch larger than
 * the holder's that nobody ever holds: what is put under it, only a later holder may write.
 */
export const revokeLease = async (
  tx: Queryable,
  lease: Pick<LeaseOptions, 'name' | 'holder'>,
): Promise<bigint> => {
  const { rows } = await tx.query<{ epoch: bigint }>(REVOKE, [lease.name, lease.holder]);
  const [revoked] = rows;
  if (revoked === undefined) throw new Error(`no lease ${lease.name}`);
  return revoked.epoch;
};

interface Session {
  /** Rejects when the connection is gone, and the lock with it. */
  ping(): Promise<unknown>;
  end(): Promise<void>;
}

/** A transaction that stays open and holds the lock `key`; undefined when somebody else has it. */
const openSession = (db: Database, key: string): Promise<Session | undefined> =>
  new Promise((resolve, reject) => {
    let end: () => void = () => undefined;
    const ending = new Promise<void>((done) => {
      end = done;
    });
    const ended = db
      .transaction(async (tx) => {
        const { rows } = await tx.query<{ locked: boolean }>(
          'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked',
          [key],
        );
        if (rows[0]?.locked !== true) return resolve(undefined);
        await tx.query('SET LOCAL idle_in_transaction_session_timeout = 0');
        resolve({
          ping: () => tx.query('SELECT 1', [], 'lease.ping'),
          end: () => {
            end();
            return ended;
          },
        });
        await ending;
      })
      // Once resolved, this says only that the connection was lost before the end.
      .catch(reject);
  });

/** The lease if it is free now, else undefined. It renews itself until it is released or lost. */
export const tryAcquireLease = async (db: Database, options: LeaseOptions): Promise<Lease | undefined> => {
  const { name, holder, ttlMs = LEASE_TTL_MS, renewMs = LEASE_RENEW_MS } = options;
  const key = `holdfast lease ${name} `;
  const { rows } = await db.query<{ epoch: bigint; free: boolean }>(LOOK, [name, key]);
  if (rows[0]?.free === false) return undefined;
  const epoch = (rows[0]?.epoch ?? 0n) + 1n;
  // Locked before the row says so: whoever reads the row finds its holder alive.
  const session = await openSession(db, `${key}${epoch}`);
  if (session === undefined) return undefined;
  let provenAt = performance.now();
  try {
    const { rowCount } = await db.query(TAKE, [name, epoch, holder, ttlMs]);
    if (rowCount === 0) {
      await session.end();
      return undefined;
    }
  } catch (error) {
    await session.end();
    throw error;
  }

  const lost = new AbortController();
  let renewing = false;
  const renew = async (): Promise<void> => {
    // Measured from before the question, so that the holder never believes longer than PostgreSQL does.
    const askedAt = performance.now();
    if (askedAt - provenAt >= ttlMs) return lost.abort();
    if (renewing) return;
    renewing = true;
    try {
      const alive = await session.ping().then(
        () => true,
        () => false,
      );
      const { rowCount } = await db.query(RENEW, [name, epoch, ttlMs], 'lease.renew');
      if (rowCount === 0 || !alive) lost.abort();
      else provenAt = askedAt;
    } catch {
      // Tried again at the next turn, until the time is over.
    } finally {
      renewing = false;
    }
  };
  const timer = setInterval(() => void renew(), renewMs);
  lost.signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      void session.end();
    },
    { once: true },
  );
  return {
    name,
    epoch,
    lost: lost.signal,
    release: async () => {
      if (!lost.signal.aborted) {
        lost.abort();
        await db.query(RELEASE, [name, epoch]).catch(() => undefined);
      }
      await session.end();
    },
  };
};

/** Only what may pass is waited out; a missing table or a closed pool would be waited for in vain. */
const passing = (error: unknown): undefined => {
  if (error instanceof DatabaseUnavailable && error.reason !== 'closed') return undefined;
  throw error;
};

/**
 * Waits for the lease, for ever or until `signal` aborts (then undefined). A holder that died is followed within
 * {@link LEASE_POLL_MS}, one that hangs within {@link LEASE_TTL_MS} more, one that released it at once. PostgreSQL being away only prolongs the wait.
 */
export const acquireLease = async (
  db: Database,
  options: LeaseOptions & { readonly signal: AbortSignal },
): Promise<Lease | undefined> => {
  const { signal, name, pollMs = LEASE_POLL_MS } = options;
  // A release that is heard of while a try is under way may have come too late for it: it is tried again.
  let rung = false;
  let wake: () => void = () => undefined;
  const onWake = (): void => {
    rung = true;
    wake();
  };
  let stopListening: (() => Promise<void>) | undefined;
  signal.addEventListener('abort', onWake);
  try {
    while (!signal.aborted) {
      rung = false;
      const lease = await tryAcquireLease(db, options).catch(passing);
      if (lease !== undefined) {
        if (!signal.aborted) return lease;
        await lease.release();
        return undefined;
      }
      if (stopListening === undefined) {
        stopListening = await db
          .listen(CHANNEL, (freed) => {
            if (freed === name) onWake();
          })
          .catch(passing);
        // It may have been released between the try and this.
        if (stopListening !== undefined) continue;
      }
      if (rung) continue;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, pollMs);
        wake = () => {
          clearTimeout(timer);
          done();
        };
        if (signal.aborted) wake();
      });
    }
    return undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', onWake);
    await stopListening?.();
  }
};
