import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { streamNameFilter } from '@eventstore/db-client';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openLogFile } from '../../../src/adapters/embedded-event-store/log/log-file.js';
import { FLAG_END_OF_APPEND, writeRecord } from '../../../src/adapters/embedded-event-store/log/record.js';
import { startEventStore } from '../../../src/adapters/embedded-event-store/start.js';
import { collect, finallyDo, numbered, range, running } from './support.js';

/** Writes 100,000 events in 1,000 streams, 64 MB, as if appended one by one. */
async function writeLog(directory: string): Promise<void> {
  const storage = await openLogFile(path.join(directory, 'events.log'));
  const data = Buffer.from(JSON.stringify({ filler: 'x'.repeat(570) }));
  const type = Buffer.from('Filler');
  let position = storage.size;
  for (const batch of range(0, 10)) {
    const chunk = Buffer.alloc(8 * 1024 * 1024);
    let used = 0;
    for (const i of range(batch * 10_000, 10_000)) {
      const event = { id: randomBytes(16), type, isJson: true, metadata: Buffer.alloc(0), data };
      const name = Buffer.from(`order-${i % 1_000}`);
      used = writeRecord(chunk, used, name, event, Math.floor(i / 1_000), 1, FLAG_END_OF_APPEND);
    }
    await storage.write([chunk.subarray(0, used)], position);
    position += used;
  }
  await storage.close();
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'embedded-event-store-'));
const onLinux = process.platform === 'linux' ? test : test.skip;

beforeAll(async () => {
  await writeLog(directory);
  // Builds the index.
  await (await startEventStore({ dir: directory })).stop();
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const proc = (pid: number, file: string, field: string): number =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1]);
const memoryMiB = (pid: number): number => proc(pid, 'status', 'RssAnon') / 1024;

onLinux('a start reads the newest of the log, however long it is', async () => {
  const { node, client } = await running({ dir: directory });
  // The log has 64 MB. Of it 2 MiB are read; the rest is the program itself.
  expect(proc(node.pid, 'io', 'rchar')).toBeLessThan(16 * 1024 * 1024);
  expect(await collect(client.readStream('order-7'))).toHaveLength(100);
});

onLinux('deep scans and stalled subscriptions cost little memory and delay nobody', async () => {
  const { node, client } = await running({ dir: directory });
  expect(await collect(client.readStream('order-7'))).toHaveLength(100);
  const before = memoryMiB(node.pid);

  const stalled = range(0, 60).map(() => client.subscribeToAll({ fromPosition: 'start' }));
  for (const subscription of stalled) {
    finallyDo(() => subscription.unsubscribe());
    await once(subscription, 'data');
    subscription.pause();
  }
  const filter = streamNameFilter({ prefixes: ['there is no such stream'], checkpointInterval: 1_000 });
  const searching = client.subscribeToAll({ fromPosition: 'start', filter });
  finallyDo(() => searching.unsubscribe());
  searching.resume();
  await once(searching, 'caughtUp');
  await client.appendToStream('order-7', numbered(1), { expectedRevision: 99n });
  expect(await collect(client.readStream('order-7', { fromRevision: 100n }))).toHaveLength(1);
  // Sixty subscriptions that would each hold the log would need 3.8 GB. Measured 2026-11-22: 20-35 MiB.
  expect(memoryMiB(node.pid) - before).toBeLessThan(500);
});
