/** Every limit of the event-store client. Milliseconds unless the name ends otherwise. */
export interface ClientLimits {
  /**
   * An append that waits while the server answers nothing at all for so long has an unknown outcome, and the same batch is sent again on
   * a new connection. Longer than a busy machine keeps everything waiting: 5 s fired falsely at a load of 14 on 2 cores.
   */
  readonly appendAttemptMs: number;
  /** All tries of an append together; then `EventStoreUnavailable`. */
  readonly appendTotalMs: number;
  /** Appends under way at once, in units of {@link APPEND_UNIT_BYTES}: bounds what waits in the client's buffers. */
  readonly appendUnits: number;
  /** Appends that wait for a unit. */
  readonly appendWaiters: number;
  /** Reads open at once. A server (HTTP/2) takes 100 streams per connection, beyond which they silently wait. */
  readonly openReads: number;
  readonly readWaiters: number;
  /** A read that delivers nothing for so long is broken. */
  readonly readSilentMs: number;
  /** A read may fail and go on where it was; without any progress for so long it is `EventStoreUnavailable`. */
  readonly readTotalMs: number;
  /** First and longest pause between tries; each is random between half of it and all of it. */
  readonly retryPauseMs: number;
  readonly retryPauseMaxMs: number;
  /** A subscription that hears nothing for so long asks the server where the log ends. */
  readonly subscriptionSilentMs: number;
  /** How long a subscription that is behind may stay silent after that before it is opened again. */
  readonly subscriptionGraceMs: number;
}

export const CLIENT_LIMITS: ClientLimits = {
  appendAttemptMs: 10_000,
  appendTotalMs: 25_000,
  appendUnits: 512,
  appendWaiters: 10_000,
  openReads: 64,
  readWaiters: 10_000,
  readSilentMs: 10_000,
  readTotalMs: 15_000,
  retryPauseMs: 20,
  retryPauseMaxMs: 1_000,
  subscriptionSilentMs: 5_000,
  subscriptionGraceMs: 1_000,
};

export const APPEND_UNIT_BYTES = 65_536;
export const APPEND_MAX_BYTES = 1_048_576;

/** Events of a read or subscription handed over together. */
export const BATCH_EVENTS = 1_000;
/** How long a batch of a log that is read through may wait to get fuller. */
export const CATCH_UP_LINGER_MS = 50;
/**
 * The same when following live, counted from the last batch: after a pause an event is delivered at once. Under load this is how
 * often the read models commit. Read models and PostgreSQL together cost an order 2.1 ms of CPU with 10 ms, 1.9 ms with 40 (2026-11-22, quick run, busy machine).
 */
export const LIVE_LINGER_MS = 40;
/** Batches that only move the position. */
export const CHECKPOINT_LINGER_MS = 250;

/** What an operator wants to hear about. `detail` is for a log line, not for users. */
export interface Trouble {
  readonly kind:
    | 'append_retried'
    | 'late_answer'
    | 'client_recycled'
    | 'read_retried'
    | 'subscription_resumed';
  readonly detail: string;
}

/** The pause before try number `attempt` (from 1): doubles, bounded, random in its upper half. */
export const retryPause = (limits: ClientLimits, attempt: number): number => {
  const pause = Math.min(limits.retryPauseMaxMs, limits.retryPauseMs * 2 ** Math.min(attempt - 1, 20));
  return pause / 2 + (Math.random() * pause) / 2;
};
