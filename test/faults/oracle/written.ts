import type { StoredEvent } from '../../../src/runtime/event-store.js';
import type { Recorded, Violation } from '../history.js';

/** A log and a history written by hand, for the tests of the oracle. */
export type Written = readonly [
  stream: string,
  type: string,
  data: Record<string, unknown>,
  commandId?: string,
];

/** The n-th event is at position 10 n and has the id `event-n`. */
export const logOf = (...events: readonly Written[]): StoredEvent[] => {
  const next = new Map<string, number>();
  return events.map(([stream, type, data, commandId], index) => {
    const revision = next.get(stream) ?? 0;
    next.set(stream, revision + 1);
    const position = { commit: BigInt(index * 10), prepare: BigInt(index * 10) };
    const metadata = commandId === undefined ? {} : { commandId, requestHash: 'x' };
    const id = `event-${index}`;
    return { id, type, data, metadata, stream, revision, position, recordedAt: new Date(0) };
  });
};

export const codes = (found: readonly Violation[]): string[] => found.map(({ code }) => code);

export const STOCK = 'stock-east~A';
export const ORDER = 'order-web~1';

/** A receipt of three units, and what it was answered. */
export const receipt = (answer: Recorded['answer'], attempts: Recorded['attempts'] = []): Recorded => ({
  round: 1,
  kind: 'receive',
  method: 'POST',
  path: '/',
  body: { quantity: 3 },
  key: undefined,
  stream: STOCK,
  eventType: 'StockReceived',
  businessId: 'r',
  attempts,
  ...(answer === undefined ? {} : { answer }),
});
