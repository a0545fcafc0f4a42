import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startEventStore } from '../src/adapters/embedded-event-store/start.js';
import { stock } from '../src/domain/stock.js';
import { openHouse } from '../src/main.js';
import { comparePositions } from '../src/runtime/event-store.js';
import { readSettings } from '../src/settings.js';
import { Link } from './faults/link.js';
import { testDatabase } from './support/postgres.js';
import { context } from './support/process-spec.js';

/** Several polls of whoever waits. */
const AWAY_MS = 400;

test('whoever waits for the read models goes on waiting while PostgreSQL is away', async () => {
  const [node, database] = await Promise.all([startEventStore({ inMemory: true }), testDatabase()]);
  const url = new URL(database.url);
  const link = await Link.open(Number(url.port));
  url.port = String(link.port);
  const settings = { EVENTSTORE_URL: node.connectionString, DATABASE_URL: url.toString() };
  const house = await openHouse(readSettings({ ...settings, HOLDFAST_LOG_LEVEL: 'silent' }));
  const stop = new AbortController();
  try {
    const receipt = { type: 'receive', receiptId: 'r', quantity: 5 } as const;
    const { position } = await house.bus.execute(stock, 'main~A', receipt, context());
    const waiting = house.catchUp();
    // Else its failure would be unheard until it is awaited.
    waiting.catch(() => undefined);
    await sleep(AWAY_MS);
    link.set('refused');
    await sleep(AWAY_MS);
    link.set('up');
    const running = house.runProjections(stop.signal);
    expect(comparePositions(await waiting, position)).toBeGreaterThanOrEqual(0);
    stop.abort();
    await running;
  } finally {
    stop.abort();
    await house.close();
    await Promise.all([node.stop(), database.drop(), link.close()]);
  }
});
