import { LogFold } from '../../src/audit/fold.js';
import { openPromises } from '../../src/audit/open-promises.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { StoredEvent } from '../../src/runtime/event-store.js';

export const START_MS = Date.parse('2026-01-15T12:00:00Z');

/** An event as a test writes it: stream, type, data, and when it was recorded, in seconds after the first. */
export type Written = readonly [stream: string, type: string, data: unknown, atSeconds?: number];

const codec = createCodec(allEventDefinitions);

export const storedLog = (written: readonly Written[]): StoredEvent[] => {
  const revisions = new Map<string, number>();
  return written.map(([stream, type, data, atSeconds = 0], index) => {
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    const place = BigInt(index + 1) * 10n;
    return {
      id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      type,
      data,
      metadata: {
        commandId: `c${index}`,
        $correlationId: 'c',
        $causationId: 'c',
        actor: 'test',
        effectiveAt: '2026-01-15T11:00:00Z',
        schemaVersion: 1,
      },
      stream,
      revision,
      position: { commit: place, prepare: place },
      recordedAt: new Date(START_MS + atSeconds * 1_000),
    };
  });
};

export const foldOf = (written: readonly Written[]): LogFold => {
  const fold = new LogFold();
  for (const stored of storedLog(written)) fold.read(stored, codec);
  return fold;
};

/** Codes of everything that is wrong with a log, in the order found. */
export const wrongWith = (written: readonly Written[]): string[] => {
  const fold = foldOf(written);
  openPromises(fold);
  fold.ledger.unposted();
  return fold.violations.first.map(({ code }) => code);
};
