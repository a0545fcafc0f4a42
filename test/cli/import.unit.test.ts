import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { followed } from '../../src/cli/import.js';

const END = { commit: 9n, prepare: 9n };
const NOBODY = new AbortController().signal;
const untilAborted = async (signal?: AbortSignal): Promise<void> => {
  if (signal !== undefined && !signal.aborted) await once(signal, 'abort');
};
/** A house of which only this is there: whatever else is asked, its database first of all, is an error. */
const house = (catchUp: Parameters<typeof followed>[0]['catchUp'], run = untilAborted) => ({
  runProjections: run,
  poster: { run: untilAborted },
  catchUp,
});

describe('an import that follows', () => {
  test('asks a database that was just killed nothing of its own, but waits until the read models have everything', async () => {
    const steps: string[] = [];
    const following = house(async (onProgress) => {
      steps.push('catching up');
      await sleep(20);
      onProgress?.({ commit: 5n, prepare: 5n }, END);
      onProgress?.(END, END);
      steps.push('there');
      return END;
    });
    const exitCode = await followed(following, Promise.resolve(1), NOBODY, (line) => steps.push(line));
    expect(exitCode).toBe(1);
    expect(steps).toEqual([
      'catching up',
      'there',
      expect.stringMatching(/^ledger and read models have everything/),
    ]);
  });

  test('is over at once when what follows breaks, and when the file cannot be read', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const broken = house(never, () => Promise.reject(new Error('no read models')));
    await expect(followed(broken, Promise.resolve(0), NOBODY, () => undefined)).rejects.toThrow(
      'no read models',
    );
    expect(await followed(house(never), Promise.resolve(2), NOBODY, () => undefined)).toBe(2);
  });
});
