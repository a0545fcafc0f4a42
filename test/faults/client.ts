import { setTimeout as sleep } from 'node:timers/promises';
import type { Command, History, Recorded, Violation } from './history.js';

const ATTEMPT_MAX_MS = 12_000;
const PAUSE_MS = 100;
const PAUSE_MAX_MS = 1_000;

export interface ClientOptions {
  readonly urls: readonly string[];
  readonly key: string;
  readonly history: History;
  /** No new attempt after this many milliseconds from the first; then the outcome stays unknown. */
  readonly patienceMs: number;
  readonly violated: (violation: Violation) => void;
}

/** A client as it should be: what was not answered is sent again, the same, to any API, until it is answered. */
export const createClient = ({ urls, key, history, patienceMs, violated }: ClientOptions) => {
  let turn = 0;

  const attempt = async (recorded: Recorded): Promise<boolean> => {
    turn += 1;
    const api = turn % urls.length;
    const startedAt = performance.now();
    const took = () => Math.round(performance.now() - startedAt);
    try {
      const response = await fetch(new URL(recorded.path, urls[api]), {
        method: recorded.method,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          ...(recorded.key === undefined ? {} : { 'idempotency-key': recorded.key }),
        },
        body: JSON.stringify(recorded.body),
        signal: AbortSignal.timeout(ATTEMPT_MAX_MS),
      });
      const body = JSON.parse((await response.text()) || '{}') as Record<string, unknown>;
      const { status } = response;
      const code = typeof body.code === 'string' ? { code: body.code } : {};
      recorded.attempts.push({ atMs: Date.now(), api, status, ...code, durationMs: took() });
      const where = `${recorded.method} ${recorded.path} at api ${api}`;
      if (status === 500) violated({ code: 'internal_error', detail: where });
      // The house's limit is far beyond this load, with a Redis and without one.
      if (status === 429) violated({ code: 'wrongly_limited', detail: where });
      if (status >= 500 || status === 429 || status === 408) return false;
      recorded.answer = { status, body, position: response.headers.get('event-position') ?? undefined };
      return true;
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      recorded.attempts.push({
        atMs: Date.now(),
        api,
        status: undefined,
        error: String(reason),
        durationMs: took(),
      });
      return false;
    }
  };

  return {
    /** Resolves with the answer, or undefined when patience is over. */
    async send(command: Command): Promise<Recorded['answer']> {
      const recorded = history.begin(command);
      const endAt = performance.now() + patienceMs;
      for (let tries = 1; ; tries += 1) {
        if (await attempt(recorded)) return recorded.answer;
        if (performance.now() >= endAt) return undefined;
        await sleep(Math.min(PAUSE_MAX_MS, PAUSE_MS * tries));
      }
    },

    /** What the read models say, as of a position; undefined when they do not answer in time. */
    async read(path: string): Promise<Record<string, unknown> | undefined> {
      const endAt = performance.now() + patienceMs;
      do {
        turn += 1;
        try {
          const response = await fetch(new URL(path, urls[turn % urls.length]), {
            headers: { authorization: `Bearer ${key}` },
            signal: AbortSignal.timeout(ATTEMPT_MAX_MS),
          });
          const body = (await response.json()) as Record<string, unknown>;
          if (response.status < 500 && response.status !== 429)
            return { httpStatus: response.status, ...body };
        } catch {
          // Asked again.
        }
        await sleep(PAUSE_MS);
      } while (performance.now() < endAt);
      return undefined;
    },
  };
};

export type Client = ReturnType<typeof createClient>;
