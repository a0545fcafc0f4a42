import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiParts, Readiness } from './parts.js';

/** Anybody may ask, so the parts are asked once in this time whoever does, and one that does not answer is not ready. */
const READINESS_AGE_MAX_MS = 1_000;
const READINESS_WAIT_MS = 2_000;

/** Readiness for as many as ask, at the cost of one. */
export const createReadiness = (
  ready: ApiParts['ready'],
  clock: ApiParts['clock'],
): (() => Promise<Readiness>) => {
  let known: { readonly at: number; readonly state: Promise<Readiness> } | undefined;
  const look = async (): Promise<Readiness> => {
    const waiting = new AbortController();
    const { signal } = waiting;
    const late = sleep<Readiness>(
      READINESS_WAIT_MS,
      { ready: false, checks: { answer: 'late' } },
      { signal },
    );
    late.catch(() => undefined);
    return Promise.race([Promise.resolve(ready()), late]).finally(() => waiting.abort());
  };
  return () => {
    const now = clock().getTime();
    if (known === undefined || now - known.at >= READINESS_AGE_MAX_MS || now < known.at) {
      known = { at: now, state: look() };
    }
    return known.state;
  };
};
