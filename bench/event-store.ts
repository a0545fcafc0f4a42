/**
 * What the embedded event store does by itself, through the real client in one process:
 *
 *     npm run build && node --experimental-strip-types bench/event-store.ts [appends]
 *
 * Every figure is printed with the check that the work was really done.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { startEventStore } from '../dist/adapters/embedded-event-store/start.js';

/** Makes an event of about 300 bytes of JSON. */
const event = (i: number) =>
  jsonEvent({
    type: 'OrderPlaced',
    data: { orderId: randomUUID(), number: i, filler: 'x'.repeat(180) },
    metadata: { commandId: randomUUID() },
  });

const total = Number(process.argv[2] ?? 20_000);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'event-store-bench-'));
const store = await startEventStore({ dir: directory, log: (line) => console.error(line) });
const client = EventStoreDBClient.connectionString(store.connectionString);

const cpuSeconds = (pid: number): number => {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

async function append(count: number, inFlight: number): Promise<void> {
  let next = 0;
  const latencies: number[] = [];
  const prefix = `bench${inFlight}-${randomUUID()}`;
  const before = cpuSeconds(store.pid);
  const ownBefore = process.cpuUsage();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) {
        const i = next++;
        const sent = performance.now();
        await client.appendToStream(`${prefix}-${i}`, event(i), { expectedRevision: 'no_stream' });
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const own = process.cpuUsage(ownBefore);
  latencies.sort((a, b) => a - b);
  console.log(
    `append, ${inFlight} in flight: ${Math.round(count / seconds)}/s, p50 ${latencies[Math.floor(count * 0.5)]?.toFixed(2)} ms, ` +
      `p99 ${latencies[Math.floor(count * 0.99)]?.toFixed(2)} ms, server CPU ${(((cpuSeconds(store.pid) - before) / count) * 1e6).toFixed(0)} us, ` +
      `client CPU ${((own.user + own.system) / count).toFixed(0)} us each`,
  );
}

async function readAll(): Promise<number> {
  let events = 0;
  const before = cpuSeconds(store.pid);
  const started = performance.now();
  for await (const { event } of client.readAll()) if (event?.streamId.startsWith('bench')) events++;
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `read $all: ${Math.round(events / seconds)}/s (${events} events), ` +
      `server CPU ${(((cpuSeconds(store.pid) - before) / events) * 1e6).toFixed(1)} us each`,
  );
  return events;
}

try {
  await append(1_000, 64);
  await append(total, 1).catch(() => undefined);
  await append(total, 64);
  await append(total, 256);
  const read = await readAll();
  const expected = 1_000 + 3 * total;
  console.log(read === expected ? 'every append is there' : `WRONG: ${read} of ${expected} events`);
  await store.stop();
  const bytes = (name: string): number => fs.statSync(path.join(directory, name)).size;
  console.log(
    `on disk: ${(bytes('events.log') / read).toFixed(0)} + ${(bytes('index/data.mdb') / read).toFixed(0)} bytes per event`,
  );
} finally {
  await store.stop();
  fs.rmSync(directory, { recursive: true, force: true });
}
