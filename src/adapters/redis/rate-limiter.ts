import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { connectRedis } from './connect.js';

/** Requests per name and second, counted together by all API processes. */
export interface SharedRateLimiter {
  /** Undefined when the request may go on, else how long to wait, in seconds. */
  take(name: string): Promise<number | undefined>;
  close(): Promise<void>;
}

const KEY_PREFIX = 'holdfast:rate';

/**
 * Counts in Redis; while that is away each process counts for itself, so the loss of Redis loosens the limit and breaks nothing.
 * `onError` hears once of each loss; it must not throw.
 */
export const createRedisRateLimiter = (
  url: string,
  requestsPerSecond: number,
  onError: (error: unknown) => void = () => undefined,
): SharedRateLimiter => {
  const redis = connectRedis(url, onError);
  const limits = { points: requestsPerSecond, duration: 1 };
  const limiter = new RateLimiterRedis({
    ...limits,
    storeClient: redis,
    keyPrefix: KEY_PREFIX,
    rejectIfRedisNotReady: true,
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
