import type { Redis } from 'ioredis';
import type { CheckpointWakeup } from '../../runtime/checkpoint-wakeup.js';
import { connectRedis } from './connect.js';

const CHANNEL_PREFIX = 'holdfast:checkpoint';
/** A subscriber sends nothing by itself, so only a question shows that nobody is there any more. */
export const PING_EVERY_MS = 1_000;

/**
 * Wakes the readers of all API processes through Redis. What is said there is not believed, it only makes them look, so neither another
 * house on the same Redis nor a flood makes anybody read what is not there. While Redis is away nothing is heard and the poll of those who
 * wait is left; when it is back they are woken once, for what they may have missed.
 *
 * Limits: two connections at most (one that speaks, one that listens); one announcement under way, those that come meanwhile are one.
 * `onError` hears once of each loss; it must not throw.
 */
export const createRedisWakeup = (
  url: string,
  /** Tells houses on one Redis apart. */
  logId: string,
  onError: (error: unknown) => void = () => undefined,
): CheckpointWakeup => {
  const channelOf = (name: string): string => `${CHANNEL_PREFIX}:${logId}:${name}`;
  const listeners = new Set<() => void>();
  const unsaid = new Set<string>();
  let speaker: Redis | undefined;
  let speaking = false;
  let closed = false;

  const say = async (): Promise<void> => {
    speaking = true;
    for (const name of unsaid) {
      unsaid.delete(name);
      speaker ??= connectRedis(url, onError);
      await speaker.publish(channelOf(name), '').catch(() => undefined);
    }
    speaking = false;
  };

  return {
    announce: (name) => {
      if (closed) return;
      unsaid.add(name);
      if (!speaking) void say();
    },
    listen: async (name, onMoved) => {
      const channel = channelOf(name);
      const redis = connectRedis(url, onError);
      const ping = setInterval(() => {
        // An answer that does not come ends the connection by `SILENCE_MS_MAX`.
        if (redis.status === 'ready') redis.ping().catch(() => undefined);
      }, PING_EVERY_MS);
      const stop = (): void => {
        listeners.delete(stop);
        clearInterval(ping);
        redis.disconnect();
      };
      listeners.add(stop);
      // What has arrived is told even after a disconnect.
      const wake = (): void => {
        if (listeners.has(stop)) onMoved();
      };
      redis.on('ready', () => {
        redis.subscribe(channel).then(wake, () => {
          if (listeners.has(stop)) redis.disconnect(true);
        });
      });
      redis.on('message', wake);
      return async () => stop();
    },
    close: async () => {
      closed = true;
      for (const stop of listeners) stop();
      speaker?.disconnect();
    },
  };
};
