import { type Database, DatabaseUnavailable } from './database.js';

/**
 * Leases: rows in PostgreSQL that say who is the one active runner of something, until when, by PostgreSQL's clock.
 *
 *   waiting --(free or expired: epoch + 1)--> held --(release)--> free
 *                                             held --(renewal finds another epoch, or none succeeds for TTL)--> lost
 *
 * A lease is advice, the epoch is the guarantee: a holder that sleeps past its time may still believe in it, so every write it
 * makes must be conditional on its epoch.
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

const ACQUIRE = `
INSERT INTO runtime.leases AS l (name, epoch, holder, expires_at)
VALUES ($1, 1, $2, clock_timestamp() + $3 * interval '1 millisecond')
ON CONFLICT (name) DO UPDATE SET epoch = l.epoch + 1, holder = excluded.holder, expires_at = excluded.expires_at
WHERE l.expires_at <= clock_timestamp()
RETURNING epoch`;

const RENEW = `
UPDATE runtime.leases SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
WHERE name = $1 AND epoch = $2 AND expires_at > '-infinity'`;

const RELEASE = `
WITH freed AS (
  UPDATE runtime.leases SET expires_at = '-infinity' WHERE name = $1 AND epoch = $2 RETURNING name
)
SELECT pg_notify('${CHANNEL}', name) FROM freed`;

/** The lease if it is free now, else undefined. It renews itself until it is released or lost. */
export const tryAcquireLease = async (db: Database, options: LeaseOptions): Promise<Lease | undefined> => {
  const { name, holder, ttlMs = LEASE_TTL_MS, renewMs = LEASE_RENEW_MS } = options;
  let provenAt = performance.now();
  const { rows } = await db.query<{ epoch: bigint }>(ACQUIRE, [name, holder, ttlMs]);
  const epoch = rows[0]?.epoch;
  if (epoch === undefined) return undefined;

  const lost = new AbortController();
  let renewing = false;
  const renew = async (): Promise<void> => {
    // Measured from before the question, so that the holder never believes longer than PostgreSQL does.
    const askedAt = performance.now();
    if (askedAt - provenAt >= ttlMs) return lost.abort();
    if (renewing) return;
    renewing = true;
    try {
      const { rowCount } = await db.query(RENEW, [name, epoch, ttlMs], 'lease.renew');
      if (rowCount === 0) lost.abort();
      else provenAt = askedAt;
    } catch {
      // Tried again at the next turn, until the time is over.
    } finally {
      renewing = false;
    }
  };
  const timer = setInterval(() => void renew(), renewMs);
  lost.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  return {
    name,
    epoch,
    lost: lost.signal,
    release: async () => {
      if (lost.signal.aborted) return;
      lost.abort();
      await db.query(RELEASE, [name, epoch]).catch(() => undefined);
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
 * {@link LEASE_TTL_MS} + {@link LEASE_POLL_MS}, one that released it at once. PostgreSQL being away only prolongs the wait.
 */
export const acquireLease = async (
  db: Database,
  options: LeaseOptions & { readonly signal: AbortSignal },
): Promise<Lease | undefined> => {
  const { signal, name, pollMs = LEASE_POLL_MS } = options;
  let wake: () => void = () => undefined;
  const onWake = () => wake();
  let stopListening: (() => Promise<void>) | undefined;
  signal.addEventListener('abort', onWake);
  try {
    while (!signal.aborted) {
      const lease = await tryAcquireLease(db, options).catch(passing);
      if (lease !== undefined) {
        if (!signal.aborted) return lease;
        await lease.release();
        return undefined;
      }
      stopListening ??= await db
        .listen(CHANNEL, (freed) => {
          if (freed === name) wake();
        })
        .catch(passing);
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
  } finally {
    signal.removeEventListener('abort', onWake);
    await stopListening?.();
  }
};
