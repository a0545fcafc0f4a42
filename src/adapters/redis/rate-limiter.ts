import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** Requests per name and second, counted together by all API processes. */
export interface SharedRateLimiter {
  /** Undefined when the request may go on, else how long to wait, in seconds. */
  take(name: string): Promise<number | undefined>;
  close(): Promise<void>;
}

const COMMAND_TIMEOUT_MS = 200;
const RETRY_PAUSE_MS_MAX = 2_000;
const KEY_PREFIX = 'holdfast:rate';

/**
 * Counts in Redis; while that is away each process counts for itself, so the loss of Redis loosens the limit and breaks nothing.
 * `onError` hears of the connection's troubles; it must not throw.
 */
export const createRedisRateLimiter = (
  url: string,
  requestsPerSecond: number,
  onError: (error: unknown) => void = () => undefined,
): SharedRateLimiter => {
  const redis = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(RETRY_PAUSE_MS_MAX, 50 * 2 ** Math.min(attempt, 6)),
  });
  redis.on('error', onError);
  const limits = { points: requestsPerSecond, duration: 1 };
  const limiter = new RateLimiterRedis({
    ...limits,
    storeClient: redis,
    keyPrefix: KEY_PREFIX,
    insuranceLimiter: new RateLimiterMemory(limits),
  });
  return {
    take: async (name) => {
      try {
        await limiter.consume(name);
        return undefined;
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
        throw refusal;
      }
    },
    close: async () => {
      redis.disconnect();
    },
  };
};
