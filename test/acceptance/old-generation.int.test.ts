import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const SCRIPT = 'test/support/old-generation.mjs';

/**
 * What is made for one order has to be garbage for the young generation: what comes to the old one costs a stop of the API later. Figures of Node 20
 * on 2026-11-28, in bytes: now, and before docs/adr/0019. A limit that is passed says that something of the kinds named there has come back.
 */
test.each([
  { what: 'order', limit: 600, now: 40, before: 6_912 },
  { what: 'request', limit: 2_000, now: 168, before: 11_866 },
  { what: 'command', limit: 900, now: 270, before: 1_880 },
  { what: 'append', limit: 1_600, now: 940, before: 2_544 },
])(
  '$what: leaves at most $limit bytes in the old generation ($now now, $before before)',
  async ({ what, limit }) => {
    // Room, so that no full collection comes in between and takes away what is counted.
    const flags = ['--expose-gc', '--max-semi-space-size=64', '--initial-old-space-size=512', SCRIPT, what];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 60_000 });
    expect(Number.parseInt(stdout, 10)).toBeLessThan(limit);
  },
  90_000,
);
