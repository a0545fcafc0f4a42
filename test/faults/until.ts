import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/** Asks until the answer is yes; an error counts as no. Throws after `limitMs`. */
export const untilTrue = async (
  what: string,
  limitMs: number,
  check: () => Promise<boolean> | boolean,
): Promise<void> => {
  for (const endAt = performance.now() + limitMs; ; await sleep(POLL_MS)) {
    try {
      if (await check()) return;
    } catch {
      // Asked again.
    }
    if (performance.now() > endAt) throw new Error(`${what}: not within ${limitMs} ms`);
  }
};
