import { Redis } from 'ioredis';

/** Nobody waits longer for Redis than this; whoever asked goes on without it. */
export const COMMAND_TIMEOUT_MS = 200;
/** A connection that owes an answer for this long is dead (half open, or a paused server): it is dropped and made anew. */
export const SILENCE_MS_MAX = 500;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 2_000;

/**
 * A connection that is never waited for: made in the background, made again for ever after a loss, and what is asked while it is not there
 * fails at once. Nothing queues. `onError` hears once of each loss, however many tries it takes; it must not throw.
 */
export const connectRedis = (url: string, onError: (error: unknown) => void): Redis => {
  const redis = new Redis(url, {
    connectionName: 'holdfast',
    connectTimeout: SILENCE_MS_MAX,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS_MAX,
    // Also how long a process lives on that lets go of a connection while there is none (ioredis 6.0.0).
    disconnectTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: (attempt) => Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** Math.min(attempt, 6)),
  });
  let told = false;
  redis.on('error', (error) => {
    if (!told) onError(error);
    told = true;
  });
  redis.on('ready', () => {
    told = false;
  });
  return redis;
};
