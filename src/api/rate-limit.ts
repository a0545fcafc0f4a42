import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** Counts requests per name and second. In process by default; shared between processes where there is a Redis. */
export interface RateLimiter {
  /** Undefined when the request may go on, else how long to wait, in seconds. */
  take(name: string): Promise<number | undefined>;
}

export const createMemoryRateLimiter = (requestsPerSecond: number): RateLimiter => {
  const limiter = new RateLimiterMemory({ points: requestsPerSecond, duration: 1 });
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
  };
};
